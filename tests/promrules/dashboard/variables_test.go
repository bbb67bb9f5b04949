package dashboard

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

func TestAnExpressionIsFilledInAsGrafanaDoesIt(t *testing.T) {
	variables := Variables{Instance: "a|b", RateInterval: 90 * time.Second, Range: 3 * time.Hour}
	expr := `sum(rate(m{instance=~"$instance"}[$__rate_interval])) + increase(n{instance=~"$instance"}[$__range])`
	want := `sum(rate(m{instance=~"a|b"}[1m30s])) + increase(n{instance=~"a|b"}[3h])`
	if got := variables.Fill(expr); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestARateLooksBackOverFourReadsAndOverAWholeStep(t *testing.T) {
	for _, c := range []struct{ interval, scrape, want time.Duration }{
		{time.Second, time.Second, 4 * time.Second},
		{15 * time.Second, 30 * time.Second, 2 * time.Minute},
		{15 * time.Minute, 30 * time.Second, 15*time.Minute + 30*time.Second},
	} {
		if got := RateInterval(c.interval, c.scrape); got != c.want {
			t.Errorf("steps of %s, a read every %s: %s, not %s", c.interval, c.scrape, got, c.want)
		}
	}
}

func TestAPanelHasAboutAsManyPointsAsPixelsAndNoneBetweenTwoReads(t *testing.T) {
	for _, c := range []struct {
		shown  time.Duration
		pixels int
		scrape time.Duration
		want   time.Duration
	}{
		{6 * time.Minute, 400, time.Second, time.Second},
		{6 * time.Minute, 400, 30 * time.Second, 30 * time.Second},
		{3 * time.Hour, 400, time.Second, 20 * time.Second},
		{7 * 24 * time.Hour, 400, time.Second, 20 * time.Minute},
	} {
		if got := Interval(c.shown, c.pixels, c.scrape); got != c.want {
			t.Errorf("%s on %d pixels, a read every %s: %s, not %s", c.shown, c.pixels, c.scrape, got, c.want)
		}
	}
}

func TestASeriesIsCalledWhatTheLegendSaysOfItsLabels(t *testing.T) {
	lset := labels.FromStrings("write", "node", "result", "ok")
	for format, want := range map[string]string{
		"{{write}} {{ result }}": "node ok", "half": "half", "{{nobody}}": "", "": `{result="ok", write="node"}`,
	} {
		if got := (Target{LegendFormat: format}).Named(lset); got != want {
			t.Errorf("%q becomes %q, not %q", format, got, want)
		}
	}
}
