// A recording as a file, so that it can be drawn again, or read by a real Prometheus.

package recording

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"

	"packet-cloud-controller-manager/tests/promrules/memory"
)

// The end of a series in the file. Prometheus' own mark is one of many NaNs, and a text has only one; the program has none.
const ends = "NaN"

// Write writes a recording as OpenMetrics, which `promtool tsdb create-blocks-from openmetrics` reads, too.
func Write(file string, samples []Sample) error {
	created, err := os.Create(file)
	if err != nil {
		return err
	}
	defer created.Close()
	out := bufio.NewWriter(created)
	for _, sample := range samples {
		text := fmt.Sprint(sample.Value)
		if value.IsStaleNaN(sample.Value) {
			text = ends
		}
		fmt.Fprintf(out, "%s %s %d.%03d\n", described(sample.Labels), text, sample.At.Unix(), sample.At.Nanosecond()/1e6)
	}
	fmt.Fprint(out, "# EOF\n")
	if err := out.Flush(); err != nil {
		return err
	}
	return created.Close()
}

// described is name{label="value"}, which is how OpenMetrics has it.
func described(lset labels.Labels) string {
	var pairs []string
	lset.Range(func(label labels.Label) {
		if label.Name != labels.MetricName {
			pairs = append(pairs, label.Name+"="+strconv.Quote(label.Value))
		}
	})
	return lset.Get(labels.MetricName) + "{" + strings.Join(pairs, ",") + "}"
}

// Read reads what Write wrote.
func Read(file string) (Recording, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Recording{}, err
	}
	recording := Recording{Prometheus: memory.New()}
	parser := textparse.NewOpenMetricsParser(text, labels.NewSymbolTable())
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return recording, recording.readScenes()
		}
		if err != nil {
			return Recording{}, fmt.Errorf("%s is no recording: %w", file, err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, at, v := parser.Series()
		if at == nil {
			return Recording{}, fmt.Errorf("%s has a sample without a time", file)
		}
		if math.IsNaN(v) {
			v = math.Float64frombits(value.StaleNaN)
		}
		var lset labels.Labels
		parser.Labels(&lset)
		recording.Add(lset, time.UnixMilli(*at), v)
	}
}
