// Reading the program as Prometheus does, and asking it how it is as a kubelet does.

package recording

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
)

// How often a kubelet asks, unless it is told otherwise.
const probes = 10 * time.Second

// Scraper is one target that is read, and what was read of it.
type Scraper struct {
	url     string
	target  []labels.Label
	client  *http.Client
	mutex   sync.Mutex
	samples []Sample
	known   map[uint64]labels.Labels
}

// NewScraper is one for the program that serves at that port of this machine.
func NewScraper(port int) *Scraper {
	// The program makes its certificate itself, and nobody can check it.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	return &Scraper{
		url:    fmt.Sprintf("https://127.0.0.1:%d", port),
		target: []labels.Label{{Name: "job", Value: "cloud-controller-manager"}, {Name: "instance", Value: "lab"}},
		client: &http.Client{Transport: transport, Timeout: Scrape},
		known:  map[uint64]labels.Labels{},
	}
}

// Run reads until the context ends. That nobody answers is no error: it is what the recording then has.
func (s *Scraper) Run(ctx context.Context) {
	reads, asks := time.NewTicker(Scrape), time.NewTicker(probes)
	defer reads.Stop()
	defer asks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-reads.C:
			body, err := s.get(ctx, "/metrics")
			s.take(at, body, err == nil)
		case <-asks.C:
			for _, path := range []string{"/livez", "/readyz"} {
				// The program counts what it answered.
				_, _ = s.get(ctx, path)
			}
		}
	}
}

// Mark puts down that a scene is played.
func (s *Scraper) Mark(title string, at time.Time, v float64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.samples = append(s.samples, Sample{labels.FromStrings(labels.MetricName, scenes, "scene", title), at, v})
}

// Samples are all that were read so far.
func (s *Scraper) Samples() []Sample {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]Sample(nil), s.samples...)
}

func (s *Scraper) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}
	return io.ReadAll(response.Body)
}

// take puts down what a read found: its samples, the end of series that are not there any more, and whether it was answered.
func (s *Scraper) take(at time.Time, body []byte, answered bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := map[uint64]labels.Labels{}
	if answered {
		parser := textparse.NewPromParser(body, labels.NewSymbolTable(), false)
		for {
			entry, err := parser.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				answered = false
				break
			}
			if entry == textparse.EntrySeries {
				_, _, v := parser.Series()
				var lset labels.Labels
				parser.Labels(&lset)
				lset = s.targeted(lset)
				found[lset.Hash()] = lset
				s.samples = append(s.samples, Sample{lset, at, v})
			}
		}
	}
	for hash, lset := range s.known {
		if _, there := found[hash]; !there {
			s.samples = append(s.samples, Sample{lset, at, math.Float64frombits(value.StaleNaN)})
		}
	}
	s.known = found
	up := 0.0
	if answered {
		up = 1
	}
	s.samples = append(s.samples, Sample{s.targeted(labels.FromStrings(labels.MetricName, "up")), at, up})
}

func (s *Scraper) targeted(lset labels.Labels) labels.Labels {
	builder := labels.NewBuilder(lset)
	for _, label := range s.target {
		builder.Set(label.Name, label.Value)
	}
	return builder.Labels()
}
