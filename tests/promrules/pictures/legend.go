// Which line is which, below a panel.

package main

// entry is a name in the legend: which line, and how far from the left.
type entry struct {
	line int
	name string
	x    float64
}

const (
	sampleLine = 14.0
	afterEntry = 14.0
)

// legendRows are the names of the lines, as many in a row as there is room for.
func legendRows(lines []line, room float64) [][]entry {
	rows := [][]entry{nil}
	x := 0.0
	for i, line := range lines {
		needs := sampleLine + 5 + wide(line.name, style(12, ink, false))
		if x > 0 && x+needs > room {
			rows = append(rows, nil)
			x = 0
		}
		last := &rows[len(rows)-1]
		*last = append(*last, entry{i, line.name, x})
		x += needs + afterEntry
	}
	return rows
}

func (p picture) legend(b box, rows [][]entry) {
	for i, row := range rows {
		y := b.y + (float64(i)+0.5)*legendLine
		for _, entry := range row {
			p.fill(box{b.x + 2 + entry.x, y - 1.5, sampleLine, 3}, palette[entry.line%len(palette)])
			p.write(b.x+2+entry.x+sampleLine+5, y, entry.name, style(12, ink, false))
		}
	}
}
