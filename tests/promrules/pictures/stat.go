// Panels that are one value.

package main

import (
	"packet-cloud-controller-manager/tests/promrules/dashboard"
)

// stat writes the newest value of each series, as large as there is room for.
func (p picture) stat(b box, panel dashboard.Panel, lines []line) {
	field := panel.FieldConfig.Defaults
	each := b.h / float64(len(lines))
	for i, line := range lines {
		shown, color := field.Shown(line.last())
		if shown == "" {
			shown = dashboard.Format(field.Unit, line.last())
		}
		if panel.Options.TextMode == "name" {
			shown = line.name
		}
		tint, known := named[color]
		if !known {
			tint = ink
		}
		middle := b.y + (float64(i)+0.5)*each
		size := 30.0
		for size > 10 && wide(shown, style(size, tint, true)) > b.w {
			size--
		}
		if panel.Options.TextMode == "value_and_name" {
			p.write(b.x+b.w/2, middle-size*0.75, line.name, centred(style(14, axis, false)))
			middle += size * 0.4
		}
		p.write(b.x+b.w/2, middle-4, shown, centred(style(size, tint, true)))
	}
}
