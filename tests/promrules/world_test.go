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
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// A Prometheus in memory: its own parser, engine and templates over series that a test gives. How long an alert is pending is
// decided here, in the few lines of `evaluate`: Prometheus' package for it needs the clients of the clouds in which Prometheus
// finds targets, and takes twice as long to build. `promtool test rules` reads the same tests.

var promParser = parser.NewParser(parser.Options{})

type sample struct {
	t int64
	v float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

type series struct {
	labels  labels.Labels
	samples []chunks.Sample
}

type world struct {
	series map[uint64]*series
	engine *promql.Engine
}

func newWorld() *world {
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, EnableAtModifier: true,
		EnableNegativeOffset: true, Parser: promParser,
	})
	return &world{series: map[uint64]*series{}, engine: engine}
}

func (w *world) add(lset labels.Labels, at time.Time, v float64) {
	hash := lset.Hash()
	if w.series[hash] == nil {
		w.series[hash] = &series{labels: lset}
	}
	w.series[hash].samples = append(w.series[hash].samples, sample{at.UnixMilli(), v})
}

// load puts in what `input_series` of a test says.
func (w *world) load(description, values string, interval time.Duration) error {
	lset, sequence, err := promParser.ParseSeriesDesc(description + " " + values)
	if err != nil {
		return err
	}
	for i, item := range sequence {
		if !item.Omitted {
			w.add(lset, time.Unix(0, 0).Add(time.Duration(i)*interval), item.Value)
		}
	}
	return nil
}

func (w *world) Querier(_, _ int64) (storage.Querier, error) { return querier{w}, nil }

func (w *world) query(expr string, at time.Time) (promql.Vector, error) {
	query, err := w.engine.NewInstantQuery(context.Background(), w, nil, expr, at)
	if err != nil {
		return nil, err
	}
	defer query.Close()
	result := query.Exec(context.Background())
	if result.Err != nil {
		return nil, result.Err
	}
	if scalar, isScalar := result.Value.(promql.Scalar); isScalar {
		return promql.Vector{{F: scalar.V}}, nil
	}
	vector, err := result.Vector()
	// What a query answers is taken back when it is closed.
	return slices.Clone(vector), err
}

type querier struct{ world *world }

func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var found []storage.Series
	for _, s := range q.world.series {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.labels.Get(m.Name)) }) {
			found = append(found, storage.NewListSeries(s.labels, s.samples))
		}
	}
	slices.SortFunc(found, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return &seriesSet{found, -1}
}

func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) Close() error { return nil }

type seriesSet struct {
	found []storage.Series
	at    int
}

func (s *seriesSet) Next() bool                      { s.at++; return s.at < len(s.found) }
func (s *seriesSet) At() storage.Series              { return s.found[s.at] }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }

// A rule and since when it has been true of which labels.
type watched struct {
	rule  rulefmt.Rule
	since map[uint64]time.Time
	shown []labels.Labels
}

// evaluate looks at a rule once, and writes what Prometheus writes about it: the series ALERTS.
func (r *watched) evaluate(t *testing.T, w *world, at time.Time) {
	t.Helper()
	result, err := w.query(r.rule.Expr, at)
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
			w.add(before, at, math.Float64frombits(value.StaleNaN))
		}
	}
	for _, now := range shown {
		w.add(now, at, 1)
	}
	r.since, r.shown = since, shown
}

// expand fills in a label or an annotation as Prometheus does.
func (r *watched) expand(t *testing.T, w *world, text string, found promql.Sample, at time.Time) string {
	t.Helper()
	ask := func(_ context.Context, expr string, at time.Time) (promql.Vector, error) { return w.query(expr, at) }
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
