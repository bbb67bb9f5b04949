// A row of the dashboard as a picture: its heading, and its panels where the dashboard has them.

package main

import (
	"cmp"
	"fmt"
	"image/color"
	"path/filepath"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"packet-cloud-controller-manager/tests/promrules/dashboard"
	"packet-cloud-controller-manager/tests/promrules/recording"
)

// box is a place in pixels, from the upper left.
type box struct{ x, y, w, h float64 }

// inner is the box without so much at each side.
func (b box) inner(left, top, right, bottom float64) box {
	return box{b.x + left, b.y + top, b.w - left - right, b.h - top - bottom}
}

// cell is where a panel lies in its picture, whose first line of panels is at `top` of the dashboard.
func cell(pos dashboard.GridPos, top int) box {
	column := (width - gap) / float64(columns)
	return box{
		x: gap + float64(pos.X)*column, y: headHeight + float64(pos.Y-top)*gridUnit,
		w: float64(pos.W)*column - gap, h: float64(pos.H)*gridUnit - gap,
	}
}

// panelWidth is how many pixels wide a panel is.
func panelWidth(pos dashboard.GridPos) int { return int(cell(pos, 0).w) }

// picture is what is drawn on, with the upper left as its beginning.
type picture struct {
	canvas *vgimg.Canvas
	height float64
}

func newPicture(height float64) picture {
	size := [2]vg.Length{width * px, vg.Length(height) * px}
	canvas := vgimg.NewWith(vgimg.UseWH(size[0], size[1]), vgimg.UseDPI(resolution), vgimg.UseBackgroundColor(ground))
	return picture{canvas, height}
}

// part is a canvas of its own for a place; gonum counts from the lower left.
func (p picture) part(b box) draw.Canvas {
	whole := draw.New(p.canvas)
	length := func(pixels float64) vg.Length { return vg.Length(pixels) * px }
	return draw.Canvas{Canvas: whole.Canvas, Rectangle: vg.Rectangle{
		Min: vg.Point{X: length(b.x), Y: length(p.height - b.y - b.h)},
		Max: vg.Point{X: length(b.x + b.w), Y: length(p.height - b.y)},
	}}
}

func (p picture) fill(b box, tint color.Color) {
	c := p.part(b)
	c.SetColor(tint)
	c.Fill(c.Rectangle.Path())
}

func (p picture) frame(b box, tint color.Color) {
	c := p.part(b)
	c.SetColor(tint)
	c.SetLineWidth(px)
	c.Stroke(c.Rectangle.Path())
}

// write writes a text whose place is at its left and middle, or wherever its style says.
func (p picture) write(x, y float64, what string, how text.Style) {
	c := p.part(box{0, 0, width, p.height})
	c.FillText(how, vg.Point{X: vg.Length(x) * px, Y: vg.Length(p.height-y) * px}, what)
}

// wide is how many pixels wide a text is.
func wide(what string, how text.Style) float64 { return float64(how.Width(what) / px) }

// drawRow draws a row and says into which file: its heading, which scenes were played, and its panels where the dashboard has them.
func drawRow(row dashboard.Row, answers [][]line, recorded recording.Recording, folder string) (string, error) {
	top, bottom := row.Panels[0].GridPos.Y, 0
	for _, panel := range row.Panels {
		top, bottom = min(top, panel.GridPos.Y), max(bottom, panel.GridPos.Y+panel.GridPos.H)
	}
	p := newPicture(headHeight + float64(bottom-top)*gridUnit)
	heading := style(17, ink, true)
	p.write(gap+4, headHeight/2, row.Title, heading)
	p.sceneNames(recorded.Scenes)
	for i, panel := range row.Panels {
		b := cell(panel.GridPos, top)
		p.fill(b, paper)
		p.frame(b, border)
		p.write(b.x+10, b.y+15, panel.Title, style(13, ink, true))
		inside := b.inner(8, titleHeight, 10, 6)
		switch {
		case len(answers[i]) == 0:
			p.write(b.x+b.w/2, b.y+b.h/2, cmp.Or(panel.FieldConfig.Defaults.NoValue, "No data"), centred(style(14, axis, false)))
		case panel.Type == "stat":
			p.stat(inside, panel, answers[i])
		case panel.Type == "timeseries":
			if err := p.timeSeries(inside, panel, answers[i], recorded); err != nil {
				return "", fmt.Errorf("%s: %w", panel.Title, err)
			}
		default:
			return "", fmt.Errorf("%s: nobody draws a panel of type %s", panel.Title, panel.Type)
		}
	}
	file := filepath.Join(folder, fileName(row.Title))
	return file, save(p.canvas.Image(), file)
}

// sceneNames says which letter in the panels is which scene.
func (p picture) sceneNames(scenes []recording.Scene) {
	letter, name := style(12, named["text"], true), style(12, axis, false)
	x := float64(width - gap - 4)
	for i := len(scenes) - 1; i >= 0; i-- {
		x -= wide(scenes[i].Title, name)
		p.write(x, headHeight/2, scenes[i].Title, name)
		x -= wide(letterOf(i), letter) + 5
		p.write(x, headHeight/2, letterOf(i), letter)
		x -= 16
	}
}

func letterOf(scene int) string { return string(rune('A' + scene)) }

func centred(how text.Style) text.Style {
	how.XAlign = draw.XCenter
	return how
}
