package recording

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/value"
)

var start = time.UnixMilli(1_700_000_000_250)

func after(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func TestWhatWasReadComesBackFromTheFileAndIsAnswered(t *testing.T) {
	scraper := NewScraper(1)
	scraper.Mark("a scene", after(0), 1)
	scraper.take(after(1), []byte("# TYPE m counter\nm{to=\"1\"} 3\nn 0.5\n"), true)
	scraper.take(after(2), []byte("m{to=\"1\"} 4\n"), true)
	scraper.take(after(3), nil, false)
	scraper.Mark("a scene", after(4), math.Float64frombits(value.StaleNaN))
	file := filepath.Join(t.TempDir(), "recording.om")
	if err := Write(file, scraper.Samples()); err != nil {
		t.Fatal(err)
	}
	recorded, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		expr string
		at   int
		want []float64
	}{
		{`m{instance="lab",job="cloud-controller-manager",to="1"}`, 1, []float64{3}}, {"m", 2, []float64{4}},
		{"n", 1, []float64{0.5}},
		// What is not told any more is not there any more, as with Prometheus, and neither is the rest of whoever does not answer.
		{"n", 2, nil}, {"m", 3, nil}, {"up", 2, []float64{1}}, {"up", 3, []float64{0}},
	} {
		found, err := recorded.Query(c.expr, after(c.at))
		if err != nil || len(found) != len(c.want) || len(found) > 0 && found[0].F != c.want[0] {
			t.Errorf("%s after %d s is %v, not %v (%v)", c.expr, c.at, found, c.want, err)
		}
	}
	if !recorded.Start.Equal(after(0)) || !recorded.End.Equal(after(4)) || !recorded.LastAnswered().Equal(after(2)) {
		t.Errorf("from %s to %s, the last answer %s", recorded.Start, recorded.End, recorded.LastAnswered())
	}
	if want := (Scene{"a scene", after(0), after(4)}); len(recorded.Scenes) != 1 || recorded.Scenes[0] != want {
		t.Errorf("played were %v", recorded.Scenes)
	}
}
