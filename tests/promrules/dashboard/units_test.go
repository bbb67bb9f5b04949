package dashboard

import (
	"slices"
	"testing"
)

func TestValuesAreWrittenInTheWordsOfTheirUnit(t *testing.T) {
	for _, c := range []struct {
		unit  string
		value float64
		want  string
	}{
		{"short", 0, "0"}, {"short", 0.25, "0.25"}, {"short", 5000, "5 K"}, {"short", 999.4, "999"},
		{"s", 0, "0 s"}, {"s", 0.0125, "12.5 ms"}, {"s", 59, "59 s"}, {"s", 90, "1.5 min"}, {"s", 31_500_000, "52.1 weeks"},
		{"percentunit", 0.256, "25.6 %"}, {"percentunit", 1, "100 %"},
		{"bytes", 0, "0 B"}, {"bytes", 35 << 20, "35 MiB"}, {"Bps", 1_234_567, "1.23 MB/s"},
		{"reqps", 2, "2 req/s"}, {"ops", 1500, "1.5k ops/s"}, {"furlong", 3, "3 (furlong)"},
	} {
		if got := Format(c.unit, c.value); got != c.want {
			t.Errorf("%v %s is %q, not %q", c.value, c.unit, got, c.want)
		}
	}
}

func TestAnAxisHasRoundMarksThatReachTheGreatestValue(t *testing.T) {
	for _, c := range []struct {
		unit     string
		greatest float64
		want     []float64
	}{
		{"short", 1, []float64{0, 0.25, 0.5, 0.75, 1}}, {"short", 7, []float64{0, 2, 4, 6, 8}},
		{"short", 5000, []float64{0, 2000, 4000, 6000}}, {"short", 0, []float64{0, 0.25, 0.5, 0.75, 1}},
		{"bytes", 35 << 20, []float64{0, 10 << 20, 20 << 20, 30 << 20, 40 << 20}}, {"s", 119, []float64{0, 30, 60, 90, 120}}, {"s", 10_000, []float64{0, 3600, 7200, 10_800}},
	} {
		if got := Ticks(c.unit, c.greatest, 4); !slices.Equal(got, c.want) {
			t.Errorf("up to %v %s: %v, not %v", c.greatest, c.unit, got, c.want)
		}
	}
}

func TestAStatHasTheTextOfItsMappingAndTheColourOfItsThreshold(t *testing.T) {
	board, err := Read("../../../deploy/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		panel       string
		value       float64
		text, color string
	}{
		{"Token", 0, "refused", "red"}, {"Token", 1, "accepted", "green"},
		{"Leaders", 0, "", "red"}, {"Leaders", 1, "", "green"}, {"Leaders", 2, "", "red"},
	} {
		found := slices.IndexFunc(board.Panels, func(panel Panel) bool { return panel.Title == c.panel })
		if text, color := board.Panels[found].FieldConfig.Defaults.Shown(c.value); text != c.text || color != c.color {
			t.Errorf("%s of %v is %q in %s", c.panel, c.value, text, color)
		}
	}
}
