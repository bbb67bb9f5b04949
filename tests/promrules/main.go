// Prints deploy/monitoring/prometheus-rule.yaml: the alerts as the object that Prometheus Operator reads, made of the rule file
// that Prometheus reads itself, so that the text is kept once.
package main

import (
	"fmt"
	"os"
	"strings"
)

const alertsFile = "../../deploy/monitoring/alerts.yaml"

const head = `# Made of alerts.yaml by ` + "`make alerts`" + `; change that one. For Prometheus Operator.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: packet-cloud-controller-manager
  namespace: kube-system
  labels:
    app.kubernetes.io/name: packet-cloud-controller-manager
spec:
`

// prometheusRule is the object that has the rules of a file, which begins with a comment about the file.
func prometheusRule(rules string) string {
	var object strings.Builder
	object.WriteString(head)
	_, rules, _ = strings.Cut(rules, "\ngroups:\n")
	for line := range strings.Lines("groups:\n" + rules) {
		if line != "\n" {
			object.WriteString("  ")
		}
		object.WriteString(line)
	}
	return object.String()
}

func main() {
	rules, err := os.ReadFile(alertsFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(prometheusRule(string(rules)))
}
