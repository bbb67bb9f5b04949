// Package recording is what a Prometheus knows after it has read the program every second while the load test was played.
package recording

import (
	"errors"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"packet-cloud-controller-manager/tests/promrules/memory"
)

// Scrape is how often the program is read.
const Scrape = time.Second

// What the recording has besides the program's own series: 1 while a scene is played.
const scenes = "load_test_scene"

// Sample is a value at a moment.
type Sample struct {
	Labels labels.Labels
	At     time.Time
	Value  float64
}

// Scene is what the load test did when.
type Scene struct {
	Title      string
	Start, End time.Time
}

// Recording is a Prometheus with all samples, and from when until when there are some.
type Recording struct {
	*memory.Prometheus
	Start, End time.Time
	Scenes     []Scene
	began      map[string]time.Time
	answered   time.Time
}

// Add puts in a sample.
func (r *Recording) Add(lset labels.Labels, at time.Time, v float64) {
	r.Prometheus.Add(lset, at, v)
	if r.Start.IsZero() || at.Before(r.Start) {
		r.Start = at
	}
	if at.After(r.End) {
		r.End = at
	}
	if lset.Get(labels.MetricName) == "up" && v == 1 {
		r.answered = at
	}
	if lset.Get(labels.MetricName) != scenes {
		return
	}
	title := lset.Get("scene")
	if value.IsStaleNaN(v) {
		r.Scenes = append(r.Scenes, Scene{title, r.began[title], at})
	} else {
		if r.began == nil {
			r.began = map[string]time.Time{}
		}
		if _, begun := r.began[title]; !begun {
			r.began[title] = at
		}
	}
}

func (r *Recording) readScenes() error {
	slices.SortFunc(r.Scenes, func(a, b Scene) int { return a.Start.Compare(b.Start) })
	if len(r.Scenes) == 0 || r.answered.IsZero() {
		return errors.New("nothing was played to its end while this was recorded, or the program was never there to be read")
	}
	return nil
}

// LastAnswered is the last moment at which the program was there to be read: afterwards nothing has a value.
func (r *Recording) LastAnswered() time.Time {
	return r.answered
}
