// Draws what deploy/monitoring/dashboard.json shows of a load test: the dashboard's own queries, answered by Prometheus' own engine
// over what was read of the program every second, and drawn by gonum's plots, for Grafana is a server and no library.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"packet-cloud-controller-manager/tests/promrules/dashboard"
	"packet-cloud-controller-manager/tests/promrules/recording"
)

func main() {
	lab := flag.String("lab", "", "the lab's binary, which plays the load test; without it, an earlier recording is drawn again")
	kept := flag.String("recording", "dashboard.om", "where the recording is kept, as OpenMetrics")
	board := flag.String("dashboard", "../../deploy/monitoring/dashboard.json", "what is drawn")
	images := flag.String("images", "../../docs/images", "the folder for the pictures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *lab, *kept, *board, *images); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, lab, kept, file, images string) error {
	if lab != "" {
		samples, err := recording.Play(ctx, lab)
		if err != nil {
			return err
		}
		if err := recording.Write(kept, samples); err != nil {
			return err
		}
	}
	recorded, err := recording.Read(kept)
	if err != nil {
		return err
	}
	board, err := dashboard.Read(file)
	if err != nil {
		return err
	}
	for _, row := range board.Rows() {
		answers, err := ask(row, recorded)
		if err != nil {
			return err
		}
		written, err := drawRow(row, answers, recorded, images)
		if err != nil {
			return err
		}
		fmt.Println(written)
	}
	return nil
}
