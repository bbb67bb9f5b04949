// Package dashboard is what deploy/monitoring/dashboard.json says: rows of panels, what each asks Prometheus, and how it is shown.
package dashboard

import (
	"encoding/json"
	"fmt"
	"os"
)

// Dashboard is one of Grafana, with what of it matters here.
type Dashboard struct {
	UID           string  `json:"uid"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []Panel `json:"panels"`
	Templating    struct {
		List []struct{ Name, Type string }
	}
}

// Panel is one question and its answer, or the heading of a row.
type Panel struct {
	ID          int      `json:"id"`
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	GridPos     GridPos  `json:"gridPos"`
	Datasource  Source   `json:"datasource"`
	Targets     []Target `json:"targets"`
	FieldConfig struct {
		Defaults Field `json:"defaults"`
	} `json:"fieldConfig"`
	Options struct {
		TextMode string `json:"textMode"`
	} `json:"options"`
}

// GridPos is where a panel lies, in 24 columns.
type GridPos struct{ H, W, X, Y int }

// Source is the datasource that is asked.
type Source struct{ Type, UID string }

// Target is a query.
type Target struct {
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
	Instant      bool   `json:"instant"`
	Datasource   Source `json:"datasource"`
}

// Field is how values are shown.
type Field struct {
	Unit    string   `json:"unit"`
	Min     *float64 `json:"min"`
	Max     *float64 `json:"max"`
	NoValue string   `json:"noValue"`
	Custom  struct {
		FillOpacity float64 `json:"fillOpacity"`
		ShowPoints  string  `json:"showPoints"`
		Stacking    struct {
			Mode string `json:"mode"`
		} `json:"stacking"`
	} `json:"custom"`
	Mappings []struct {
		Options map[string]struct{ Text, Color string } `json:"options"`
	} `json:"mappings"`
	Thresholds struct {
		Steps []Step `json:"steps"`
	} `json:"thresholds"`
}

// Step is from which value on a colour holds; the first one has none.
type Step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// Row is a heading and the panels below it.
type Row struct {
	Title  string
	Panels []Panel
}

// Read reads the file of a dashboard.
func Read(file string) (Dashboard, error) {
	var board Dashboard
	text, err := os.ReadFile(file)
	if err != nil {
		return board, err
	}
	if err := json.Unmarshal(text, &board); err != nil {
		return board, fmt.Errorf("%s is no dashboard: %w", file, err)
	}
	return board, nil
}

// Rows are the panels by the heading above them.
func (d Dashboard) Rows() []Row {
	var rows []Row
	for _, panel := range d.Panels {
		if panel.Type == "row" {
			rows = append(rows, Row{Title: panel.Title})
		} else if len(rows) > 0 {
			last := &rows[len(rows)-1]
			last.Panels = append(last.Panels, panel)
		}
	}
	return rows
}

// Shown is what is written in place of a value, and its colour: what a mapping or else a threshold says. The text is empty where
// nothing but the number is shown.
func (f Field) Shown(value float64) (text, color string) {
	for _, mapping := range f.Mappings {
		if mapped, there := mapping.Options[fmt.Sprint(value)]; there {
			return mapped.Text, mapped.Color
		}
	}
	for _, step := range f.Thresholds.Steps {
		if step.Value == nil || value >= *step.Value {
			color = step.Color
		}
	}
	return "", color
}
