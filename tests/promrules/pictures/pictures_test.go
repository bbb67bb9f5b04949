package main

import (
	"image/png"
	"math"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"packet-cloud-controller-manager/tests/promrules/dashboard"
	"packet-cloud-controller-manager/tests/promrules/memory"
	"packet-cloud-controller-manager/tests/promrules/recording"
)

func TestALineIsBrokenWhereAStepHasNoNumber(t *testing.T) {
	points := []promql.FPoint{{T: 1000, F: 1}, {T: 2000, F: 2}, {T: 3000, F: math.NaN()}, {T: 4000, F: 4}, {T: 6000, F: 6}}
	want := [][]point{{{1, 1, 0}, {2, 2, 0}}, {{4, 4, 0}}, {{6, 6, 0}}}
	if got := stretches(points, time.Unix(0, 0), time.Second); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestAStackedLineLiesOnWhateverIsBelowItAtThatMoment(t *testing.T) {
	lines := stacked([]line{
		{"a", [][]point{{{1, 1, 0}, {2, 2, 0}}}}, {"b", [][]point{{{2, 10, 0}, {3, 10, 0}}}},
		{"c", [][]point{{{1, 5, 0}, {2, 5, 0}, {3, 5, 0}}}},
	})
	want := [][][]point{{{{1, 1, 0}, {2, 2, 0}}}, {{{2, 12, 2}, {3, 10, 0}}}, {{{1, 6, 1}, {2, 17, 12}, {3, 15, 10}}}}
	for i, line := range lines {
		if !reflect.DeepEqual(line.stretches, want[i]) {
			t.Errorf("%s is %v", line.name, line.stretches)
		}
	}
}

func TestALegendGoesOnInAnotherRowWhereThereIsNoRoomLeft(t *testing.T) {
	rows := legendRows([]line{{name: "short"}, {name: "also short"}, {name: "a name that is rather longer than those"}}, 200)
	if len(rows) != 2 || len(rows[0]) != 2 || rows[1][0].x != 0 {
		t.Errorf("%v", rows)
	}
}

func TestAPictureIsCalledByTheFirstThingThatItsRowNames(t *testing.T) {
	for title, want := range map[string]string{
		"The Packet API and its budget": "dashboard-packet-api.png", "Who leads, and is it well": "dashboard-who-leads.png",
		"Cache": "dashboard-cache.png",
	} {
		if got := fileName(title); got != want {
			t.Errorf("%s is in %s, not %s", title, got, want)
		}
	}
}

func TestWhateverTheDashboardHasCanBeAskedAndDrawn(t *testing.T) {
	board, err := dashboard.Read("../../../deploy/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Unix(1_700_000_000, 0)
	recorded := recording.Recording{Prometheus: memory.New()}
	for i := range 30 {
		at := start.Add(time.Duration(i) * time.Second)
		recorded.Add(labels.FromStrings(labels.MetricName, "up"), at, 1)
		recorded.Add(labels.FromStrings(labels.MetricName, "leader_election_master_status", "name", "cloud-controller-manager", "instance", "lab"), at, float64(i%2))
	}
	for i, row := range board.Rows() {
		for _, panel := range row.Panels {
			if unit := panel.FieldConfig.Defaults.Unit; !dashboard.Known(unit) {
				t.Errorf("%s has values in %s, which nobody can write", panel.Title, unit)
			}
			if panel.Type != "stat" && panel.Type != "timeseries" {
				t.Errorf("%s is a %s, which nobody can draw", panel.Title, panel.Type)
			}
		}
		answers, err := ask(row, recorded)
		if err != nil {
			t.Fatal(err)
		}
		// The first has panels of both types; each takes a second.
		if i > 0 {
			continue
		}
		file, err := drawRow(row, answers, recorded, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		picture, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer picture.Close()
		if drawn, err := png.Decode(picture); err != nil || drawn.Bounds().Dx() != 2*width {
			t.Errorf("%s: %v", file, err)
		}
	}
}
