// What the panels of a row ask, answered over a recording.

package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"

	"packet-cloud-controller-manager/tests/promrules/dashboard"
	"packet-cloud-controller-manager/tests/promrules/recording"
)

// point is a value at so many seconds since the recording began, and the value that it is stacked on.
type point struct{ at, value, floor float64 }

// line is one series of a panel: points without a gap between them, in each stretch.
type line struct {
	name      string
	stretches [][]point
}

// last is the newest value.
func (l line) last() float64 {
	stretch := l.stretches[len(l.stretches)-1]
	return stretch[len(stretch)-1].value
}

// ask asks what each panel of a row asks, at the width that it will have.
func ask(row dashboard.Row, recorded recording.Recording) ([][]line, error) {
	var answers [][]line
	for _, panel := range row.Panels {
		lines, err := answer(panel, recorded)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", panel.Title, err)
		}
		answers = append(answers, lines)
	}
	return answers, nil
}

func answer(panel dashboard.Panel, recorded recording.Recording) ([]line, error) {
	shown := recorded.End.Sub(recorded.Start)
	step := dashboard.Interval(shown, panelWidth(panel.GridPos), recording.Scrape)
	variables := dashboard.Variables{Instance: ".*", Range: shown, RateInterval: dashboard.RateInterval(step, recording.Scrape)}
	var lines []line
	for _, target := range panel.Targets {
		expr := variables.Fill(target.Expr)
		if target.Instant {
			vector, err := recorded.Query(expr, recorded.LastAnswered())
			if err != nil {
				return nil, err
			}
			for _, sample := range vector {
				at := []promql.FPoint{{T: recorded.LastAnswered().UnixMilli(), F: sample.F}}
				lines = append(lines, line{target.Named(sample.Metric), stretches(at, recorded.Start, step)})
			}
			continue
		}
		matrix, err := recorded.QueryRange(expr, recorded.Start, recorded.End, step)
		if err != nil {
			return nil, err
		}
		for _, series := range matrix {
			if found := stretches(series.Floats, recorded.Start, step); len(found) > 0 {
				lines = append(lines, line{target.Named(series.Metric), found})
			}
		}
	}
	// As Prometheus' answers come: by the labels of each, within its query.
	return lines, nil
}

// stretches are the points between gaps: where a step has no value, or none that is a number.
func stretches(points []promql.FPoint, start time.Time, step time.Duration) [][]point {
	var found [][]point
	var before int64
	for _, p := range points {
		if math.IsNaN(p.F) || math.IsInf(p.F, 0) {
			continue
		}
		if len(found) == 0 || p.T-before > step.Milliseconds() {
			found = append(found, nil)
		}
		stretch := &found[len(found)-1]
		*stretch = append(*stretch, point{at: float64(p.T-start.UnixMilli()) / 1000, value: p.F})
		before = p.T
	}
	return found
}

// fileName is what the picture of a row is called: by the first thing that its title names.
func fileName(title string) string {
	title, _, _ = strings.Cut(title, ", ")
	title, _, _ = strings.Cut(title, " and ")
	words := strings.Fields(strings.ToLower(strings.TrimPrefix(title, "The ")))
	return "dashboard-" + strings.Join(words, "-") + ".png"
}
