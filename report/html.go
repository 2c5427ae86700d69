package report

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/picture"
)

//go:embed page
var pageFiles embed.FS

// page has two templates: what comes before the results, and what comes after.
var page = template.Must(template.ParseFS(pageFiles, "page/page.html"))

// A pageTop is what the page shows without its script.
type pageTop struct {
	Title    string
	Style    template.CSS
	Warnings []string
	Columns  []pageColumn
}

type pageColumn struct {
	Label, Machine, Witness string
	Unexpected              int
	Counts                  []pageCount
}

type pageCount struct {
	Verdict judge.Verdict
	Count   int
	Share   string // of all, in percent, for a bar
}

// HTML writes one page that needs no other file and no network: what is unexpected, a matrix of
// scenarios by debuggers, and the evidence of what did not pass.
func HTML(w io.Writer, reports []*harness.Report) error {
	all := columns(reports)
	top := pageTop{Style: template.CSS(pageFile("page.css")), Warnings: incomplete(reports)}
	count := 0
	for _, c := range all {
		top.Columns = append(top.Columns, c.page())
		count += len(Unexpected(c.results))
	}
	top.Title = unexpectedVerdicts(count)
	return writePage(w, "top", top, newPageData(all, maxPage), "page.js")
}

// TraceHTML writes the picture of one trace as a page.
func TraceHTML(w io.Writer, title string, p *picture.Picture) error {
	top := pageTop{Title: title, Style: template.CSS(pageFile("page.css"))}
	return writePage(w, "trace", top, p, "trace.js")
}

// writePage writes a page: what it shows without its script, its data, and the script that shows
// these.
func writePage(w io.Writer, name string, top pageTop, data any, script string) error {
	if err := page.ExecuteTemplate(w, name, top); err != nil {
		return err
	}
	// The encoder escapes <, > and &, so that no text can end the script element.
	if _, err := io.WriteString(w, `<script type="application/json" id="data">`); err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(data); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "</script>\n"); err != nil {
		return err
	}
	return page.ExecuteTemplate(w, "bottom", []template.JS{
		template.JS(pageFile("picture.js")), template.JS(pageFile(script)),
	})
}

func pageFile(name string) string {
	text, _ := pageFiles.ReadFile("page/" + name) // it is embedded
	return string(text)
}

func (c column) page() pageColumn {
	p := pageColumn{
		Label: c.label, Machine: machine(c.report), Witness: c.report.Machine.Witness,
		Unexpected: len(Unexpected(c.results)),
	}
	t := tally(c.results)
	for _, v := range ranks {
		if t[v] > 0 {
			share := fmt.Sprintf("%.2f", 100*float64(t[v])/float64(len(c.results)))
			p.Counts = append(p.Counts, pageCount{v, t[v], share})
		}
	}
	return p
}
