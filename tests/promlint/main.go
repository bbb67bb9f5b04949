// Reads metrics in Prometheus' text format from standard input, and prints what its parser and its linter have against them.
package main

import (
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func main() {
	problems, err := promlint.New(os.Stdin).Lint()
	if err != nil {
		fmt.Fprintln(os.Stderr, "not to be parsed:", err)
		os.Exit(1)
	}
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem.Metric+":", problem.Text)
	}
	if len(problems) > 0 {
		os.Exit(3)
	}
}
