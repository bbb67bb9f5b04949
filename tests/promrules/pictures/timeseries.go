// Panels that are lines over time.

package main

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"packet-cloud-controller-manager/tests/promrules/dashboard"
	"packet-cloud-controller-manager/tests/promrules/recording"
)

// A plot that is lower than so many pixels has half as many marks.
const lowPlot = 110

// timeSeries draws lines over time, one on top of the other where the panel stacks them, and below them which is which.
func (p picture) timeSeries(b box, panel dashboard.Panel, lines []line, recorded recording.Recording) error {
	field := panel.FieldConfig.Defaults
	legend := legendRows(lines, b.w)
	below := float64(len(legend)) * legendLine
	p.legend(box{b.x, b.y + b.h - below, b.w, below}, legend)

	drawn := lines
	if field.Custom.Stacking.Mode == "normal" {
		drawn = stacked(lines)
	}
	chart := plot.New()
	chart.BackgroundColor = color.Transparent
	chart.X.Min, chart.X.Max = 0, recorded.End.Sub(recorded.Start).Seconds()
	chart.Y.Min = 0
	most := greatest(drawn)
	if field.Max != nil {
		most = *field.Max
		drawn = cut(drawn, most)
	}
	about := 4
	if b.h-below < lowPlot {
		about = 2
	}
	marks := dashboard.Ticks(field.Unit, most, about)
	chart.Y.Max = marks[len(marks)-1]
	unit := func(at float64) string { return dashboard.Format(field.Unit, at) }
	chart.Y.Tick.Marker = ticks(marks, unit)
	chart.X.Tick.Marker = ticks(minutes(chart.X.Max), clock)
	axes(chart)

	tinted := &scenes{recorded: recorded}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = gridLine, gridLine
	chart.Add(tinted, grid)
	for i := len(drawn) - 1; i >= 0; i-- {
		if err := add(chart, drawn[i], palette[i%len(palette)], field); err != nil {
			return err
		}
	}
	chart.Draw(p.part(b.inner(0, sceneLine, 0, below+4)))
	return nil
}

// add adds a line to the chart, with what is filled below it, down to the line that it is stacked on.
func add(chart *plot.Plot, l line, tint color.NRGBA, field dashboard.Field) error {
	for _, stretch := range l.stretches {
		upper := make(plotter.XYs, len(stretch))
		for j, point := range stretch {
			upper[j] = plotter.XY{X: point.at, Y: point.value}
		}
		if opacity := field.Custom.FillOpacity; opacity > 0 && len(stretch) > 1 {
			outline := append(plotter.XYs{}, upper...)
			for j := len(stretch) - 1; j >= 0; j-- {
				outline = append(outline, plotter.XY{X: stretch[j].at, Y: stretch[j].floor})
			}
			area, err := plotter.NewPolygon(outline)
			if err != nil {
				return err
			}
			area.Color = color.NRGBA{tint.R, tint.G, tint.B, uint8(255 * opacity / 100)}
			area.LineStyle.Width = 0
			chart.Add(area)
		}
		drawn, err := plotter.NewLine(upper)
		if err != nil {
			return err
		}
		drawn.LineStyle = draw.LineStyle{Color: tint, Width: 1.6 * px}
		chart.Add(drawn)
		// A point between two gaps is no line; whether it is seen, the panel says.
		if len(stretch) == 1 && field.Custom.ShowPoints != "never" {
			dot, err := plotter.NewScatter(upper)
			if err != nil {
				return err
			}
			dot.GlyphStyle = draw.GlyphStyle{Color: tint, Radius: 2 * px, Shape: draw.CircleGlyph{}}
			chart.Add(dot)
		}
	}
	return nil
}

// stacked are the lines with each on top of those before it. Where one has no value it adds nothing.
func stacked(lines []line) []line {
	height := map[float64]float64{}
	var all []line
	for _, l := range lines {
		raised := line{name: l.name}
		for _, stretch := range l.stretches {
			var higher []point
			for _, p := range stretch {
				floor := height[p.at]
				height[p.at] = floor + p.value
				higher = append(higher, point{p.at, floor + p.value, floor})
			}
			raised.stretches = append(raised.stretches, higher)
		}
		all = append(all, raised)
	}
	return all
}

// cut are the lines with nothing above the panel's greatest value.
func cut(lines []line, most float64) []line {
	var all []line
	for _, l := range lines {
		lower := line{name: l.name}
		for _, stretch := range l.stretches {
			var points []point
			for _, p := range stretch {
				points = append(points, point{p.at, min(p.value, most), min(p.floor, most)})
			}
			lower.stretches = append(lower.stretches, points)
		}
		all = append(all, lower)
	}
	return all
}

func greatest(lines []line) float64 {
	most := 0.0
	for _, line := range lines {
		for _, stretch := range line.stretches {
			for _, point := range stretch {
				most = math.Max(most, point.value)
			}
		}
	}
	return most
}

func ticks(at []float64, text func(float64) string) plot.ConstantTicks {
	var all plot.ConstantTicks
	for _, value := range at {
		all = append(all, plot.Tick{Value: value, Label: text(value)})
	}
	return all
}

// minutes are the marks of the time: each minute, or fewer where there would be too many.
func minutes(until float64) []float64 {
	step := 60.0
	for until/step > 8 {
		step *= 2
	}
	var all []float64
	for at := 0.0; at <= until; at += step {
		all = append(all, at)
	}
	return all
}

// clock is a time since the beginning, as minutes and seconds.
func clock(seconds float64) string {
	return fmt.Sprintf("%d:%02d", int(seconds)/60, int(seconds)%60)
}

func axes(chart *plot.Plot) {
	for _, side := range []*plot.Axis{&chart.X, &chart.Y} {
		side.LineStyle.Width = 0
		side.Padding = 0
		side.Tick.Length = 0
		side.Tick.LineStyle.Width = 0
		side.Tick.Label.Color = axis
		side.Tick.Label.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: 11 * px}
	}
	chart.Y.Padding = 4 * px
	chart.X.Padding = 4 * px
	chart.X.Tick.Label.YAlign = draw.YTop
}

// scenes marks when each scene was played: every other one is tinted, and each has its letter.
type scenes struct{ recorded recording.Recording }

// Plot draws it, behind everything else.
func (s *scenes) Plot(c draw.Canvas, chart *plot.Plot) {
	x, _ := chart.Transforms(&c)
	for i, scene := range s.recorded.Scenes {
		from, to := x(scene.Start.Sub(s.recorded.Start).Seconds()), x(scene.End.Sub(s.recorded.Start).Seconds())
		if i%2 == 0 {
			c.SetColor(sceneTint)
			c.Fill(vg.Rectangle{Min: vg.Point{X: from, Y: c.Min.Y}, Max: vg.Point{X: to, Y: c.Max.Y}}.Path())
		}
		letter := centred(style(10, axis, true))
		letter.YAlign = draw.YBottom
		c.FillText(letter, vg.Point{X: (from + to) / 2, Y: c.Max.Y + 3*px}, letterOf(i))
	}
}
