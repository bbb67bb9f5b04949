// The scenes of the load test that are recorded.

package recording

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/value"
)

// What is played, one after the other. The budgets and times make each last long enough to be seen: with the program's own budget
// and an API that is quick, a cold start is over within a few reads.
var played = []struct {
	title   string
	nodes   int
	options []string
}{
	{"cold start", 5_000, []string{"--scenario=cold-start", "--rate=2", "--burst=10"}},
	{"join burst", 5_000, []string{"--scenario=join-burst", "--burst-seconds=10", "--rate=5"}},
	{"throttled API", 5_000, []string{"--scenario=throttled", "--burst-seconds=10", "--rate-limit=40/1m"}},
	{"flapping Nodes", 1_000, []string{"--scenario=flapping", "--flapping-seconds=40"}},
	{"outage", 5_000, []string{"--scenario=outage", "--burst-seconds=10", "--outage-seconds=60"}},
	{"restart", 5_000, []string{"--scenario=restart", "--burst-seconds=10"}},
}

// What all of them have in common: nobody else is measured, and the API is as slow as the real one is.
var surroundings = []string{
	"load-test", "--simulated", "--no-floor", "--no-comparison", "--latency=p50=80ms,p99=900ms",
}

// Play plays the scenes with the lab's binary, and returns what was read of the program meanwhile.
func Play(ctx context.Context, lab string) ([]Sample, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "dashboard-pictures-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	scraper := NewScraper(port)
	reading, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { scraper.Run(reading); close(done) }()
	defer func() { stop(); <-done }()
	for _, scene := range played {
		options := append(append([]string{}, surroundings...), scene.options...)
		options = append(options, "--nodes="+strconv.Itoa(scene.nodes), "--secure-port="+strconv.Itoa(port), "--plots="+filepath.Join(folder, "plots.html"))
		command := exec.CommandContext(ctx, lab, options...)
		command.Stdout, command.Stderr = os.Stderr, os.Stderr
		// So that it stops the program in good order.
		command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
		scraper.Mark(scene.title, time.Now(), 1)
		err := command.Run()
		var checks *exec.ExitError
		if errors.As(err, &checks) && checks.ExitCode() == 1 {
			// The load test has said which check did not hold. What it played is worth seeing all the more.
			fmt.Fprintf(os.Stderr, "%s: not as it should be, and recorded all the same\n", scene.title)
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", command, err)
		}
		scraper.Mark(scene.title, time.Now(), math.Float64frombits(value.StaleNaN))
	}
	return scraper.Samples(), nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
