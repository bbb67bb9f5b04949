package main

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"

	"packet-cloud-controller-manager/tests/promrules/memory"
)

// How alerts are looked at: Prometheus' own engine and templates over series that a test gives. How long an alert is pending is
// decided here, in the few lines of `evaluate`: Prometheus' package for it needs the clients of the clouds in which Prometheus
// finds targets, and takes twice as long to build. `promtool test rules` reads the same tests.

// load puts in what `input_series` of a test says.
func load(w *memory.Prometheus, description, values string, interval time.Duration) error {
	lset, sequence, err := memory.Parser.ParseSeriesDesc(description + " " + values)
	if err != nil {
		return err
	}
	for i, item := range sequence {
		if !item.Omitted {
			w.Add(lset, time.Unix(0, 0).Add(time.Duration(i)*interval), item.Value)
		}
	}
	return nil
}

// A rule and since when it has been true of which labels.
type watched struct {
	rule  rulefmt.Rule
	since map[uint64]time.Time
	shown []labels.Labels
}

// evaluate looks at a rule once, and writes what Prometheus writes about it: the series ALERTS.
func (r *watched) evaluate(t *testing.T, w *memory.Prometheus, at time.Time) {
	t.Helper()
	result, err := w.Query(r.rule.Expr, at)
	if err != nil {
		t.Fatalf("%s: %v", r.rule.Alert, err)
	}
	since, shown := map[uint64]time.Time{}, []labels.Labels{}
	for _, found := range result {
		builder := labels.NewBuilder(found.Metric)
		builder.Del(model.MetricNameLabel)
		for name, text := range r.rule.Labels {
			builder.Set(name, r.expand(t, w, text, found, at))
		}
		builder.Set(model.AlertNameLabel, r.rule.Alert)
		hash := builder.Labels().Hash()
		if _, twice := since[hash]; twice {
			t.Fatalf("%s: two alerts have the labels %s", r.rule.Alert, builder.Labels())
		}
		since[hash] = at
		if before, known := r.since[hash]; known {
			since[hash] = before
		}
		state := "pending"
		if at.Sub(since[hash]) >= time.Duration(r.rule.For) {
			state = "firing"
			for _, text := range r.rule.Annotations {
				r.expand(t, w, text, found, at)
			}
		}
		builder.Set(model.MetricNameLabel, "ALERTS").Set("alertstate", state)
		shown = append(shown, builder.Labels())
	}
	for _, before := range r.shown {
		if !slices.ContainsFunc(shown, func(now labels.Labels) bool { return labels.Equal(before, now) }) {
			w.Add(before, at, math.Float64frombits(value.StaleNaN))
		}
	}
	for _, now := range shown {
		w.Add(now, at, 1)
	}
	r.since, r.shown = since, shown
}

// expand fills in a label or an annotation as Prometheus does.
func (r *watched) expand(t *testing.T, w *memory.Prometheus, text string, found promql.Sample, at time.Time) string {
	t.Helper()
	ask := func(_ context.Context, expr string, at time.Time) (promql.Vector, error) { return w.Query(expr, at) }
	expander := template.NewTemplateExpander(context.Background(), "{{$labels := .Labels}}{{$value := .Value}}"+text,
		r.rule.Alert, template.AlertTemplateData(found.Metric.Map(), nil, "", found),
		model.TimeFromUnixNano(at.UnixNano()), ask, nil, nil)
	expanded, err := expander.Expand()
	if err != nil {
		t.Errorf("%s: %q: %v", r.rule.Alert, text, err)
	}
	// One that is not there would be filled in as nothing.
	for _, used := range regexp.MustCompile(`\$labels\.([a-z_]+)`).FindAllStringSubmatch(text, -1) {
		if found.Metric.Get(used[1]) == "" {
			t.Errorf("%s: there is no label %s in %s", r.rule.Alert, used[1], found.Metric)
		}
	}
	return expanded
}

func described(vector promql.Vector) []string {
	lines := []string{}
	for _, found := range vector {
		lines = append(lines, fmt.Sprintf("%s %v", found.Metric, found.F))
	}
	slices.Sort(lines)
	return lines
}
