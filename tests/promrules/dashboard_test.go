package main

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"packet-cloud-controller-manager/tests/promrules/dashboard"
	"packet-cloud-controller-manager/tests/promrules/memory"
)

func theDashboard(t *testing.T) dashboard.Dashboard {
	t.Helper()
	board, err := dashboard.Read("../../deploy/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	return board
}

// filled is an expression with values in place of the dashboard's variables.
func filled(expr string) string {
	return dashboard.Variables{Instance: ".*", RateInterval: 5 * time.Minute, Range: time.Hour}.Fill(expr)
}

func TestEveryPanelAsksWhatPrometheusUnderstandsAndSaysWhatFor(t *testing.T) {
	board := theDashboard(t)
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, panel := range board.Panels {
		if ids[panel.ID] || panel.ID == 0 {
			t.Errorf("%s has an id that is another's", panel.Title)
		}
		ids[panel.ID] = true
		for x := panel.GridPos.X; x < panel.GridPos.X+panel.GridPos.W; x++ {
			for y := panel.GridPos.Y; y < panel.GridPos.Y+panel.GridPos.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies where %s lies", panel.Title, other)
				}
				cells[[2]int{x, y}] = panel.Title
			}
		}
		if panel.Type == "row" {
			continue
		}
		if !strings.Contains(panel.Description, "?") {
			t.Errorf("%s does not say which question it answers", panel.Title)
		}
		if panel.Datasource.UID != "${datasource}" || len(panel.Targets) == 0 {
			t.Errorf("%s asks nothing, or not the datasource that was chosen", panel.Title)
		}
		// Where a Node joins now and then, a time to initialise is one value between two gaps: no line, and so nothing at all.
		if panel.FieldConfig.Defaults.Custom.ShowPoints == "never" {
			t.Errorf("%s does not show a value that has none beside it", panel.Title)
		}
		for _, target := range panel.Targets {
			if _, err := memory.Parser.ParseExpr(filled(target.Expr)); err != nil {
				t.Errorf("%s: %v", panel.Title, err)
			}
			if !strings.Contains(target.Expr, `instance=~"$instance"`) {
				t.Errorf("%s does not heed the instance that was chosen", panel.Title)
			}
		}
	}
	for _, variable := range board.Templating.List {
		if variable.Name != "datasource" && variable.Name != "instance" {
			t.Errorf("nobody fills in %s", variable.Name)
		}
	}
}

// What docs/reference/metrics.md says of a metric, which a test of the program holds it to: its type, and the labels with their words.
type documented struct {
	kind   string
	labels map[string]string
}

func reference(t *testing.T) map[string]documented {
	t.Helper()
	found := map[string]documented{}
	for line := range strings.Lines(read(t, "../../docs/reference/metrics.md")) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 6 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		known := documented{strings.TrimSpace(cells[2]), map[string]string{}}
		for label := range strings.SplitSeq(cells[3], "; ") {
			if parts := regexp.MustCompile("^`([a-z_]+)`: (.*)$").FindStringSubmatch(strings.TrimSpace(label)); parts != nil {
				known.labels[parts[1]] = parts[2]
			}
		}
		found[strings.Trim(cells[1], " `")] = known
	}
	if len(found) < 40 {
		t.Fatalf("docs/reference/metrics.md is read wrongly: %d metrics", len(found))
	}
	return found
}

func TestAlertsAndDashboardAskForWhatIsMeasured(t *testing.T) {
	asked := map[string]string{}
	for _, rule := range alerts(t) {
		asked[rule.Alert] = rule.Expr
	}
	for _, panel := range theDashboard(t).Panels {
		for _, target := range panel.Targets {
			asked[panel.Title+": "+target.Expr] = filled(target.Expr)
		}
	}
	known := reference(t)
	// Those of the scrape, that every series has.
	everywhere := []string{"__name__", "instance", "job", "le"}
	for who, expr := range asked {
		parsed, err := memory.Parser.ParseExpr(expr)
		if err != nil {
			t.Errorf("%s: %v", who, err)
			continue
		}
		parser.Inspect(parsed, func(node parser.Node, path []parser.Node) error {
			selector, isSelector := node.(*parser.VectorSelector)
			if !isSelector {
				return nil
			}
			name := regexp.MustCompile("_(bucket|sum|count)$").ReplaceAllString(selector.Name, "")
			metric, there := known[name]
			if !there {
				t.Errorf("%s: there is no metric %s", who, selector.Name)
				return nil
			}
			if (name != selector.Name) != (metric.kind == "histogram") {
				t.Errorf("%s: %s is a %s", who, selector.Name, metric.kind)
			}
			for _, above := range path {
				call, isCall := above.(*parser.Call)
				if isCall && slices.Contains([]string{"rate", "increase"}, call.Func.Name) && metric.kind == "gauge" {
					t.Errorf("%s: %s is a gauge, of which there is no %s", who, selector.Name, call.Func.Name)
				}
			}
			for _, matcher := range selector.LabelMatchers {
				words, has := metric.labels[matcher.Name]
				if !has && !slices.Contains(everywhere, matcher.Name) {
					t.Errorf("%s: %s has no label %s", who, selector.Name, matcher.Name)
				}
				// Some words are said elsewhere on the page: "as above", the failures. The name of a Lease is a setting, and a code
				// one of HTTP's.
				isWord := matcher.Type == labels.MatchEqual && matcher.Name != "name" && matcher.Name != "code"
				if has && isWord && !strings.Contains(read(t, "../../docs/reference/metrics.md"), "`"+matcher.Value+"`") {
					t.Errorf("%s: %s has no %s %s, but %s", who, selector.Name, matcher.Name, matcher.Value, words)
				}
			}
			return nil
		})
	}
}

// A counter with labels is not there before there is something to count, and of a series that begins with 1 no rate knows that it
// was 0 before. Where every single one matters the panel has to count it.
func TestWhatHappensOnceIsSeenThoughItsSeriesBeginsWithIt(t *testing.T) {
	for title, series := range map[string]string{
		"Probes that failed within five minutes":          `packet_ccm_serving_requests_total{instance="a",path="readyz",code="500"}`,
		"Writes that came to nothing within five minutes": `packet_ccm_kubernetes_writes_total{instance="a",write="node",result="refused"}`,
		"Shutdown taints within an hour":                  `packet_ccm_shutdown_taints_total{instance="a",change="put_on"}`,
	} {
		board := theDashboard(t)
		found := slices.IndexFunc(board.Panels, func(panel dashboard.Panel) bool { return panel.Title == title })
		if found < 0 {
			t.Fatalf("there is no panel %s", title)
		}
		w := memory.New()
		// Nothing for ten minutes, then one, and after 100 minutes two more, once the first is long past.
		if err := load(w, series, "_x20 1x200 3x10", 30*time.Second); err != nil {
			t.Fatal(err)
		}
		for minutes, want := range map[int]float64{5: 0, 11: 1, 112: 2} {
			answer, err := w.Query(filled(board.Panels[found].Targets[0].Expr), time.Unix(0, 0).Add(time.Duration(minutes)*time.Minute))
			got := 0.0
			if len(answer) > 0 {
				got = answer[0].F
			}
			if err != nil || math.Abs(got-want) > 0.3 {
				t.Errorf("%s is %v after %d minutes, not %v (%v)", title, got, minutes, want, err)
			}
		}
	}
}
