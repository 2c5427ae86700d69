package report

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/picture"
)

// maxPage is how large the evidence of a page may be, in bytes: the page is to stay below 20 MB.
// Evidence of what is unexpected goes first.
const maxPage = 17_000_000

// maxDetail is how much of a detail a page has, in bytes.
const maxDetail = 8_000

// A pageData is all that the page's script knows. Texts and scenes are named by their places in
// Texts and Scenes, since many results have the same.
type pageData struct {
	Columns   []pageHead        `json:"columns"`
	Groups    []string          `json:"groups"`
	Rules     [][2]string       `json:"rules"` // name and sentence
	Scenarios []pageScene       `json:"scenarios"`
	Cells     []pageCell        `json:"cells"`
	Texts     []string          `json:"texts"`
	Scenes    []json.RawMessage `json:"scenes"`
	// LeftOut counts pictures and details for which the page had no room.
	LeftOut int `json:"leftOut"`
}

type pageHead struct {
	Label   string `json:"label"`
	Machine string `json:"machine"`
	Suite   string `json:"suite"`
	Lacking string `json:"lacking,omitempty"` // why the results are not whole
}

// A pageScene is a row: a scenario in a mode.
type pageScene struct {
	Name     string `json:"name"`
	Mode     string `json:"mode"`
	Group    int    `json:"group"`
	Sentence string `json:"sentence"`
}

// A pageCell is what came of one scenario under one debugger: a letter a rule, in the order of
// Rules, and a note for each rule that did not pass in all runs.
type pageCell struct {
	Column   int        `json:"c"`
	Scenario int        `json:"s"`
	Verdicts string     `json:"v"`
	Notes    []pageNote `json:"n,omitempty"`
}

type pageNote struct {
	Rule   int         `json:"r"`
	Detail int         `json:"d"`           // its place in Texts
	Again  int         `json:"a,omitempty"` // likewise, 0 for none
	Kept   int         `json:"k,omitempty"` // likewise
	Runs   int         `json:"runs,omitempty"`
	Passed int         `json:"passed,omitempty"`
	Scene  int         `json:"p,omitempty"` // its place in Scenes, from 1; 0 for none
	Wrong  []pageWrong `json:"w,omitempty"`
}

// A pageWrong is a picture.Wrong whose text is named by its place in Texts.
type pageWrong struct {
	picture.Wrong
	Text int `json:"text"`
}

// letters are the verdicts as a cell has them. A rule that was not judged has a blank.
var letters = map[judge.Verdict]byte{
	judge.Pass: 'P', judge.Fail: 'F', judge.KFail: 'K', judge.KPass: 'X',
	judge.Unsupported: 'U', judge.Untested: 'N', judge.Unresolved: 'R',
}

// A pageMaker builds a pageData within a size.
type pageMaker struct {
	pageData
	room      int
	texts     map[string]int
	scenes    map[string]int
	scenarios map[[2]string]int
	rules     map[string]int
	cells     map[[2]int]int
}

// newPageData takes what is unexpected first, since the room may not be enough for all.
func newPageData(columns []column, room int) *pageData {
	m := &pageMaker{
		room: room, texts: map[string]int{"": 0}, scenes: make(map[string]int),
		scenarios: make(map[[2]string]int), rules: make(map[string]int),
		cells: make(map[[2]int]int),
	}
	m.Texts, m.Scenes = []string{""}, []json.RawMessage{}
	m.Groups = groups(columns)
	m.addRules(columns)
	for _, c := range columns {
		m.Columns = append(m.Columns, pageHead{
			c.label, machine(c.report), c.report.Suite, lacking(c.report),
		})
	}
	m.addScenarios(columns)
	for _, wanted := range []func(judge.Verdict) bool{
		isUnexpected,
		func(v judge.Verdict) bool { return v == judge.KFail },
		func(v judge.Verdict) bool { return !isUnexpected(v) && v != judge.KFail },
	} {
		for i, c := range columns {
			for _, r := range c.results {
				if wanted(r.Verdict) {
					m.add(i, r)
				}
			}
		}
	}
	return &m.pageData
}

// addRules has the suite's rules, and those that only a report has.
func (m *pageMaker) addRules(columns []column) {
	add := func(name, sentence string) {
		if _, ok := m.rules[name]; !ok {
			m.rules[name] = len(m.Rules)
			m.Rules = append(m.Rules, [2]string{name, sentence})
		}
	}
	for _, r := range judge.Rules {
		add(r.Name, r.Sentence)
	}
	for _, c := range columns {
		for _, r := range c.results {
			add(r.Rule, "")
		}
	}
}

// addScenarios has the rows in the order of their groups, names and modes.
func (m *pageMaker) addScenarios(columns []column) {
	for _, c := range columns {
		for _, r := range c.results {
			id := [2]string{r.Scenario, string(r.Mode)}
			if _, ok := m.scenarios[id]; ok {
				continue
			}
			m.scenarios[id] = 0
			group, _ := slices.BinarySearch(m.Groups, groupOf(r.Scenario))
			sentence := catalogue()[r.Scenario].sentence
			m.Scenarios = append(m.Scenarios, pageScene{id[0], id[1], group, sentence})
		}
	}
	slices.SortStableFunc(m.Scenarios, func(a, b pageScene) int {
		if a.Group != b.Group {
			return a.Group - b.Group
		}
		return strings.Compare(a.Name, b.Name)
	})
	for i, s := range m.Scenarios {
		m.scenarios[[2]string{s.Name, s.Mode}] = i
	}
}

// add takes one result.
func (m *pageMaker) add(column int, r harness.Result) {
	scenario := m.scenarios[[2]string{r.Scenario, string(r.Mode)}]
	place := [2]int{column, scenario}
	i, ok := m.cells[place]
	if !ok {
		i = len(m.Cells)
		m.cells[place] = i
		blank := strings.Repeat(" ", len(m.Rules))
		m.Cells = append(m.Cells, pageCell{Column: column, Scenario: scenario, Verdicts: blank})
	}
	c, rule := &m.Cells[i], m.rules[r.Rule]
	c.Verdicts = c.Verdicts[:rule] + string(letters[r.Verdict]) + c.Verdicts[rule+1:]
	if passed(r) {
		return
	}
	n := pageNote{Rule: rule, Detail: m.text(r.Detail), Kept: m.text(r.Kept)}
	if isUnexpected(r.Verdict) || r.Verdict == judge.KFail {
		n.Again = m.text(r.Again)
	}
	if r.Runs > 1 {
		n.Runs, n.Passed = r.Runs, r.Passed
	}
	if r.Picture != nil {
		n.Scene = m.scene(&r.Picture.Scene)
	}
	if n.Scene > 0 {
		for _, w := range r.Picture.Wrong {
			first, _, _ := strings.Cut(w.Text, "\n")
			n.Wrong = append(n.Wrong, pageWrong{w, m.text(first)})
		}
	}
	c.Notes = append(c.Notes, n)
}

// noRoom stands in a page for a text that it has no room for.
const noRoom = "(left out: the page would be larger than 20 MB; the JSON has it)"

// text is the place of a text.
func (m *pageMaker) text(s string) int {
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "") + "\n… (the JSON has all)"
	}
	i, ok := m.texts[s]
	if ok {
		return i
	}
	size := encodedSize(s)
	if size > m.room {
		m.LeftOut++
		s = noRoom
		if i, ok = m.texts[s]; ok {
			return i
		}
	}
	m.room -= size
	m.texts[s] = len(m.Texts)
	m.Texts = append(m.Texts, s)
	return m.texts[s]
}

// encodedSize is how long a text is in the page, where some characters are escaped.
func encodedSize(s string) int {
	text, err := json.Marshal(s)
	if err != nil {
		return len(s)
	}
	return len(text) + 1 // and a comma
}

// scene is the place of a scene, from 1, or 0 if there is no room for it.
func (m *pageMaker) scene(s *picture.Scene) int {
	text, err := json.Marshal(s)
	if err != nil {
		return 0
	}
	if i, ok := m.scenes[string(text)]; ok {
		return i
	}
	if len(text) > m.room {
		m.LeftOut++
		return 0
	}
	m.room -= len(text)
	m.Scenes = append(m.Scenes, text)
	m.scenes[string(text)] = len(m.Scenes)
	return len(m.Scenes)
}
