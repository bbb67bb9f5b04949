// Package memory is a Prometheus in memory: its own parser and engine over samples that were put in.
package memory

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// Parser is Prometheus' own.
var Parser = parser.NewParser(parser.Options{})

// Prometheus is the samples and the engine that answers queries about them. Prometheus' own storage on disk is not used: its
// package needs the clients of the clouds in which Prometheus finds targets, and takes twice as long to build.
type Prometheus struct {
	series map[uint64]*series
	engine *promql.Engine
}

type series struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// New is one without any samples.
func New() *Prometheus {
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 10_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, EnableAtModifier: true,
		EnableNegativeOffset: true, Parser: Parser,
	})
	return &Prometheus{series: map[uint64]*series{}, engine: engine}
}

// Add puts in a sample, which is later than those of the same labels before it.
func (p *Prometheus) Add(lset labels.Labels, at time.Time, v float64) {
	hash := lset.Hash()
	if p.series[hash] == nil {
		p.series[hash] = &series{labels: lset}
	}
	p.series[hash].samples = append(p.series[hash].samples, sample{at.UnixMilli(), v})
}

// Query answers an expression at a moment; a scalar as one sample without labels.
func (p *Prometheus) Query(expr string, at time.Time) (promql.Vector, error) {
	query, err := p.engine.NewInstantQuery(context.Background(), p, nil, expr, at)
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

// QueryRange answers an expression at each step of a time.
func (p *Prometheus) QueryRange(expr string, start, end time.Time, step time.Duration) (promql.Matrix, error) {
	query, err := p.engine.NewRangeQuery(context.Background(), p, nil, expr, start, end, step)
	if err != nil {
		return nil, err
	}
	defer query.Close()
	result := query.Exec(context.Background())
	if result.Err != nil {
		return nil, result.Err
	}
	matrix, err := result.Matrix()
	matrix = slices.Clone(matrix)
	for i := range matrix {
		matrix[i].Floats = slices.Clone(matrix[i].Floats)
	}
	return matrix, err
}

// Querier is what the engine reads from.
func (p *Prometheus) Querier(_, _ int64) (storage.Querier, error) { return querier{p}, nil }

type querier struct{ prometheus *Prometheus }

func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var found []storage.Series
	for _, s := range q.prometheus.series {
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
