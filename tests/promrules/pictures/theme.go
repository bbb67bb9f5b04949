// Sizes and colours.

package main

import (
	"image/color"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sizes are in pixels of a screen, two of which the picture has for each, for screens that show as many.
const (
	px          = vg.Inch / 96
	resolution  = 2 * 96
	width       = 1200
	gap         = 8
	gridUnit    = 28
	headHeight  = 44
	titleHeight = 28
	legendLine  = 17
	sceneLine   = 14
	columns     = 24
)

// The pictures have their own light background, so that they can be read on dark pages as well.
var (
	ground    = gray(0xf1)
	paper     = gray(0xff)
	border    = gray(0xdd)
	gridLine  = gray(0xec)
	axis      = gray(0x5c)
	ink       = gray(0x24)
	sceneTint = color.NRGBA{0x0b, 0x66, 0xc3, 0x12}
)

// The colours of series, one after the other; they differ in lightness, too.
var palette = []color.NRGBA{
	{0x1f, 0x77, 0xd0, 0xff}, {0xe0, 0x6c, 0x12, 0xff}, {0x1a, 0x96, 0x41, 0xff}, {0x8a, 0x3f, 0xc7, 0xff}, {0xc9, 0x1d, 0x42, 0xff},
	{0x0e, 0x9a, 0xa7, 0xff}, {0xb0, 0x8a, 0x00, 0xff}, {0xdb, 0x4d, 0x9b, 0xff}, {0x5a, 0x62, 0x70, 0xff}, {0x6b, 0x4a, 0x2b, 0xff},
}

// Those of Grafana that the dashboard names.
var named = map[string]color.NRGBA{
	"green": {0x1a, 0x7f, 0x37, 0xff}, "red": {0xc9, 0x1d, 0x2e, 0xff}, "orange": {0xc2, 0x5a, 0x0a, 0xff}, "yellow": {0x9a, 0x75, 0x00, 0xff},
	"text": ink,
}

func gray(level uint8) color.NRGBA { return color.NRGBA{level, level, level, 0xff} }

func style(size float64, tint color.Color, bold bool) text.Style {
	face := font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Length(size) * px}
	if bold {
		face.Weight = xfont.WeightBold
	}
	return text.Style{Color: tint, Font: face, XAlign: draw.XLeft, YAlign: draw.YCenter, Handler: plot.DefaultTextHandler}
}
