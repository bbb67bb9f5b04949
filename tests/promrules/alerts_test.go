package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v2"

	"packet-cloud-controller-manager/tests/promrules/memory"
)

const (
	testsFile = "../../deploy/monitoring/alerts_test.yaml"
	guideFile = "../../docs/guides/monitoring.md"
)

// What there is in a file for `promtool test rules`; anything else that promtool would read is refused.
type testFile struct {
	RuleFiles          []string       `yaml:"rule_files"`
	EvaluationInterval model.Duration `yaml:"evaluation_interval"`
	Tests              []struct {
		Name        string         `yaml:"name"`
		Interval    model.Duration `yaml:"interval"`
		InputSeries []struct {
			Series string `yaml:"series"`
			Values string `yaml:"values"`
		} `yaml:"input_series"`
		Expressions []struct {
			Expr       string         `yaml:"expr"`
			EvalTime   model.Duration `yaml:"eval_time"`
			ExpSamples []struct {
				Labels string  `yaml:"labels"`
				Value  float64 `yaml:"value"`
			} `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	} `yaml:"tests"`
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func alerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile(alertsFile, false, model.UTF8Validation, memory.Parser, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	var rules []rulefmt.Rule
	for _, group := range groups.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

func TestEachAlertFiresWhenItShouldAndNotOtherwise(t *testing.T) {
	var file testFile
	if err := yaml.UnmarshalStrict([]byte(read(t, testsFile)), &file); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(file.RuleFiles, []string{filepath.Base(alertsFile)}) {
		t.Fatalf("tested is %v", file.RuleFiles)
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		t.Run(test.Name, func(t *testing.T) {
			w := memory.New()
			for _, input := range test.InputSeries {
				if err := load(w, input.Series, input.Values, time.Duration(test.Interval)); err != nil {
					t.Fatal(err)
				}
			}
			end := time.Unix(0, 0)
			for _, expression := range test.Expressions {
				if at := time.Unix(0, 0).Add(time.Duration(expression.EvalTime)); at.After(end) {
					end = at
				}
			}
			var rules []*watched
			for _, rule := range alerts(t) {
				rules = append(rules, &watched{rule: rule})
			}
			for at := time.Unix(0, 0); !at.After(end); at = at.Add(time.Duration(file.EvaluationInterval)) {
				for _, rule := range rules {
					rule.evaluate(t, w, at)
				}
			}
			for _, expression := range test.Expressions {
				found, err := w.Query(expression.Expr, time.Unix(0, 0).Add(time.Duration(expression.EvalTime)))
				if err != nil {
					t.Fatal(err)
				}
				var wanted promql.Vector
				for _, want := range expression.ExpSamples {
					metric, err := memory.Parser.ParseMetric(want.Labels)
					if err != nil {
						t.Fatal(err)
					}
					wanted = append(wanted, promql.Sample{Metric: metric, F: want.Value})
				}
				if got, want := described(found), described(wanted); !slices.Equal(got, want) {
					t.Errorf("%s after %s:\n got %s\nwant %s", expression.Expr, expression.EvalTime,
						strings.Join(got, "\n     "), strings.Join(want, "\n     "))
				}
				if name := alertOf(t, expression.Expr); len(wanted) > 0 {
					fires[name] = true
				} else {
					silent[name] = true
				}
			}
		})
	}
	for _, rule := range alerts(t) {
		if !fires[rule.Alert] || !silent[rule.Alert] {
			t.Errorf("%s: no test in which it fires (%v) and one in which it does not (%v)", rule.Alert,
				fires[rule.Alert], silent[rule.Alert])
		}
	}
}

// alertOf is the alert whose state is asked for: by its whole name, for one that is misspelt would never be found to fire.
func alertOf(t *testing.T, expr string) string {
	t.Helper()
	parsed, err := memory.Parser.ParseExpr(expr)
	if err != nil {
		t.Fatal(err)
	}
	selector, isSelector := parsed.(*parser.VectorSelector)
	if isSelector && selector.Name == "ALERTS" {
		for _, matcher := range selector.LabelMatchers {
			named := func(rule rulefmt.Rule) bool { return rule.Alert == matcher.Value }
			if matcher.Name == model.AlertNameLabel && matcher.Type == labels.MatchEqual && slices.ContainsFunc(alerts(t), named) {
				return matcher.Value
			}
		}
	}
	t.Fatalf("%s asks for no alert that there is", expr)
	return ""
}

func TestEachAlertSaysWhatToDoAndForHowLongItWaits(t *testing.T) {
	for _, rule := range alerts(t) {
		if rule.Alert == "" || rule.For == 0 {
			t.Errorf("%s%s waits for nothing", rule.Alert, rule.Record)
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, rule.Labels["severity"]) {
			t.Errorf("%s has the severity %q", rule.Alert, rule.Labels["severity"])
		}
		for _, annotation := range []string{"summary", "description", "runbook"} {
			if rule.Annotations[annotation] == "" {
				t.Errorf("%s has no %s", rule.Alert, annotation)
			}
		}
		page, heading, _ := strings.Cut(rule.Annotations["runbook"], "#")
		if !slices.Contains(anchors(read(t, "../../"+page)), heading) {
			t.Errorf("%s: there is no heading %q in %s", rule.Alert, heading, page)
		}
	}
}

// anchors are what the headings of a page are called in an address; nothing is the page as a whole.
func anchors(page string) []string {
	found := []string{""}
	for line := range strings.Lines(page) {
		if heading, isHeading := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); isHeading && line[0] == '#' {
			plain := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			found = append(found, strings.ReplaceAll(plain, " ", "-"))
		}
	}
	return found
}

func TestTheGuideHasEveryAlertAndItsSeverity(t *testing.T) {
	var rows []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(PacketCcm[A-Za-z]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(read(t, guideFile), -1) {
		rows = append(rows, row[1]+" "+row[2])
	}
	var there []string
	for _, rule := range alerts(t) {
		there = append(there, rule.Alert+" "+rule.Labels["severity"])
	}
	slices.Sort(rows)
	slices.Sort(there)
	if !slices.Equal(rows, there) {
		t.Errorf("docs/guides/monitoring.md has\n%s\nand there are\n%s", strings.Join(rows, "\n"), strings.Join(there, "\n"))
	}
}

func TestTheObjectForPrometheusOperatorHasTheSameRules(t *testing.T) {
	kept := read(t, "../../deploy/monitoring/prometheus-rule.yaml")
	if kept != prometheusRule(read(t, alertsFile)) {
		t.Error("prometheus-rule.yaml is not what `make alerts` makes of alerts.yaml")
	}
	var object, file map[string]any
	if err := yaml.Unmarshal([]byte(kept), &object); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(read(t, alertsFile)), &file); err != nil {
		t.Fatal(err)
	}
	spec, _ := yaml.Marshal(object["spec"])
	rules, _ := yaml.Marshal(file)
	if string(spec) != string(rules) {
		t.Error("the spec of prometheus-rule.yaml is not what alerts.yaml has")
	}
}
