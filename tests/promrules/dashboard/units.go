// Values and the marks of an axis in the words of Grafana's units.

package dashboard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

type prefix struct {
	above float64
	text  string
}

// From which amount on which word is used, as Grafana has it; what is smaller than all has the last.
var (
	thousands = []prefix{{1e9, " Bil"}, {1e6, " Mil"}, {1e3, " K"}, {1, ""}}
	counts    = []prefix{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}}
	binaries  = []prefix{{1 << 30, " GiB"}, {1 << 20, " MiB"}, {1 << 10, " KiB"}, {1, " B"}}
	decimals  = []prefix{{1e9, " GB/s"}, {1e6, " MB/s"}, {1e3, " kB/s"}, {1, " B/s"}}
	seconds   = []prefix{
		{365 * 86400, " years"}, {7 * 86400, " weeks"}, {86400, " days"}, {3600, " hours"}, {60, " min"}, {1, " s"},
		{1e-3, " ms"}, {1e-6, " µs"},
	}
)

// Format is a value in the words of a unit of Grafana's.
func Format(unit string, value float64) string {
	switch unit {
	case "short":
		return scaled(value, thousands)
	case "bytes":
		return scaled(value, binaries)
	case "Bps":
		return scaled(value, decimals)
	case "s":
		return scaled(value, seconds)
	case "percentunit":
		return number(value*100) + " %"
	case "reqps":
		return scaled(value, counts) + " req/s"
	case "ops":
		return scaled(value, counts) + " ops/s"
	default:
		return fmt.Sprintf("%s (%s)", number(value), unit)
	}
}

// Known says whether a unit is one that Format has words for.
func Known(unit string) bool {
	return !strings.HasSuffix(Format(unit, 1), "("+unit+")")
}

func scaled(value float64, prefixes []prefix) string {
	if value == 0 {
		one := prefixes[len(prefixes)-1]
		for _, prefix := range prefixes {
			if prefix.above == 1 {
				one = prefix
			}
		}
		return "0" + one.text
	}
	for _, prefix := range prefixes {
		if math.Abs(value) >= prefix.above {
			return number(value/prefix.above) + prefix.text
		}
	}
	smallest := prefixes[len(prefixes)-1]
	return number(value/smallest.above) + smallest.text
}

// number has three digits that matter.
func number(value float64) string {
	digits := 2
	if magnitude := math.Abs(value); magnitude >= 99.95 {
		digits = 0
	} else if magnitude >= 9.995 {
		digits = 1
	}
	text := strconv.FormatFloat(value, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Ticks are round values from 0 to at least the greatest, about as many as were asked for: the marks of an axis.
func Ticks(unit string, greatest float64, about int) []float64 {
	if greatest <= 0 {
		greatest = 1
	}
	step := round(unit, greatest/float64(about))
	ticks := []float64{0}
	for at := 1.0; ticks[len(ticks)-1] < greatest*(1-1e-9); at++ {
		ticks = append(ticks, at*step)
	}
	return ticks
}

// round is the next round amount of a unit.
func round(unit string, rough float64) float64 {
	base := 1.0
	switch {
	case unit == "s" && rough > 5:
		for _, step := range []float64{10, 15, 30, 60, 120, 300, 600, 900, 1800} {
			if step >= rough {
				return step
			}
		}
		base = 3600
	case unit == "bytes":
		for base*1024 <= rough {
			base *= 1024
		}
	}
	power := math.Pow(10, math.Floor(math.Log10(rough/base)))
	for _, factor := range []float64{1, 2, 2.5, 5} {
		// Half a Node is none, so a quarter of ten is no step.
		if factor*power*base >= rough && (factor != 2.5 || power < 1 || power >= 10) {
			return factor * power * base
		}
	}
	return 10 * power * base
}
