// What Grafana fills in: the variables of an expression, how far apart points are, and the names of a legend.

package dashboard

import (
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Variables are what stands in an expression in place of a value.
type Variables struct {
	Instance     string
	RateInterval time.Duration
	Range        time.Duration
}

// Fill is an expression with values in place of the variables, as Grafana fills them in.
func (v Variables) Fill(expr string) string {
	text := func(d time.Duration) string { return model.Duration(d).String() }
	return strings.NewReplacer("$__rate_interval", text(v.RateInterval), "$__range", text(v.Range), "$instance", v.Instance).Replace(expr)
}

// The steps that Grafana chooses from.
var steps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute,
	2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour,
}

// Interval is how far apart the points of a panel are: about as many as it has pixels, and none closer than Prometheus reads.
func Interval(shown time.Duration, pixels int, scrape time.Duration) time.Duration {
	for _, step := range steps {
		if step >= scrape && step*3/2 > shown/time.Duration(pixels) {
			return step
		}
	}
	return steps[len(steps)-1]
}

// RateInterval is how far a rate looks back: over four reads at least, and no point of time is left out between two steps.
func RateInterval(interval, scrape time.Duration) time.Duration {
	return max(4*scrape, interval+scrape)
}

// Named is what a series is called in the legend.
func (t Target) Named(lset labels.Labels) string {
	if t.LegendFormat == "" {
		return lset.String()
	}
	return regexp.MustCompile(`{{\s*(\w+)\s*}}`).ReplaceAllStringFunc(t.LegendFormat, func(place string) string {
		return lset.Get(strings.Trim(place, "{} "))
	})
}
