package picture_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/picture"
	"gotest.tools/v3/assert"
)

// crowd is a launched program whose first task, 100, creates n threads that end. The debugger tells
// all that says chooses.
func crowd(n int, says func(event.Event) bool) *judge.Evidence {
	const root = event.TID(100)
	e := &judge.Evidence{
		Form: judge.FormVersion, Kernel: "6.1.0", Scenario: "crowd", Mode: fixtures.Launch,
		Limit:    time.Second,
		Debugger: judge.Debugger{Name: "sketched", Abilities: judge.AllFields},
		Control:  judge.Control{Exact: true},
		Progress: judge.Progress{State: judge.Done}, End: judge.End{State: judge.Ended},
		Attach:  judge.Interval{State: judge.NotAsked},
		Detach:  judge.Interval{State: judge.NotAsked},
		Program: judge.Program{State: judge.Over, Gate: 5},
		Ledger:  []judge.Announcement{{State: judge.Born, TID: root, PID: root, Creator: -1}},
	}
	e.Declared.Params = event.Params{"n": n}
	for _, line := range []string{"main: clone main/1..n, exit 0", "main/1..n: exit 0"} {
		want, err := event.ParseWant(line)
		if err != nil {
			panic(err)
		}
		e.Declared.Wants = append(e.Declared.Wants, want)
	}
	at := time.Duration(0)
	did := func(one event.Event) {
		at += 10
		e.Account.Records = append(e.Account.Records, judge.Record{Event: one, At: at})
		if one.Kind != event.Exec && says(one) {
			e.Words = append(e.Words, judge.Word{Event: one, At: at + 5, Line: one.String()})
		}
	}
	did(event.Event{Kind: event.Exec, PID: root, TID: root})
	e.Program.Gate = at + 1
	for i := range n {
		e.Ledger = append(e.Ledger, judge.Announcement{
			State: judge.Born, TID: root + event.TID(i) + 1, PID: root,
		})
		did(event.Event{Kind: event.Clone, PID: root, TID: root, Child: root + event.TID(i) + 1})
	}
	for i := range n {
		did(event.Event{Kind: event.Exit, PID: root, TID: root + event.TID(i) + 1})
	}
	did(event.Event{Kind: event.Exit, PID: root, TID: root})
	e.Words = append(e.Words, judge.Word{
		Event: event.Event{Kind: event.End, PID: root, TID: root}, At: at + 10,
	})
	e.Account.Source, e.Account.Cut = judge.Perf, at+1000
	return e
}

// pictureOf is the picture of the one rule that a run breaks.
func pictureOf(t *testing.T, e *judge.Evidence, rule string) *picture.Picture {
	t.Helper()
	c := judge.Open(e)
	assert.NilError(t, c.Fault())
	rulings := c.Rulings()
	var found *picture.Picture
	for i, p := range picture.Of(c, rulings) {
		if rulings[i].Rule == rule {
			found = p
		} else if rulings[i].Verdict == judge.Pass {
			assert.Assert(t, p == nil, "%s is kept, and has a picture", rulings[i].Rule)
		}
	}
	assert.Assert(t, found != nil, "%v", rulings)
	return found
}

func TestARunThatBreaksNoRuleHasNoPicture(t *testing.T) {
	c := judge.Open(crowd(3, func(event.Event) bool { return true }))
	for i, p := range picture.Of(c, c.Rulings()) {
		assert.Check(t, p == nil, "%v", c.Rulings()[i])
	}
}

func TestABirthThatWasNotToldIsMissingWhereItWas(t *testing.T) {
	e := crowd(3, func(one event.Event) bool { return one.Child != 102 })
	p := pictureOf(t, e, "complete")
	assert.DeepEqual(t, p.Wrong, []picture.Wrong{{
		Kind: "unreported birth", At: 30, Task: 2, Mark: picture.None, Missing: "birth",
		Text: "task 102 (main/2), created by main, was not reported",
	}})
	assert.DeepEqual(t, p.Tasks[2], picture.Task{
		Path: "main/2", TID: 102, PID: 100, Kind: picture.Thread, Number: 2, Creator: 0,
		Born: 30, Ended: 60,
	})
	var lines []string
	for _, m := range p.Marks {
		if m.Task == 2 || m.Child == 2 {
			lines = append(lines, fmt.Sprint(m.At.Nanoseconds(), " ", m.By, ": ", m.Text))
		}
	}
	assert.DeepEqual(t, lines, []string{
		"30 kernel: task 100 created thread 102",
		"60 kernel: task 102 of process 100 ended with status 0",
		"65 debugger: task 102 of process 100 ended with status 0",
	})
}

func TestAWordThatIsWrongIsMarked(t *testing.T) {
	e := crowd(3, func(event.Event) bool { return true })
	twice := e.Words[1]
	twice.At++
	e.Words = slices.Insert(e.Words, 2, twice)
	p := pictureOf(t, e, "once")
	assert.Equal(t, len(p.Wrong), 1)
	w := p.Wrong[0]
	assert.Equal(t, p.Marks[w.Mark].At, twice.At, "the second is wrong")
	assert.Equal(t, p.Marks[w.Mark].Line, twice.Line)
	assert.Equal(t, w.Task, 2)

	e = crowd(3, func(event.Event) bool { return true })
	e.Words[4].Child, e.Words[4].TID = 0, 999
	p = pictureOf(t, e, "sound")
	strange := p.Tasks[p.Wrong[0].Task]
	assert.DeepEqual(t, strange, picture.Task{
		TID: 999, Kind: picture.Unknown, Number: 4, Creator: picture.None, Born: e.Words[4].At,
		Ended: picture.None,
	})
}

// Of thousands of tasks those near the first violation are drawn, and the others are counted.
// An id that begins as another does is not the other.
func TestAnInventedTaskIsMarkedWhereItWasInvented(t *testing.T) {
	e := crowd(3, func(event.Event) bool { return true })
	invented := judge.Word{
		Event: event.Event{Kind: event.Clone, PID: 100, TID: 100, Child: 1010},
		At:    e.Words[2].At + 1, Line: "invented",
	}
	e.Words = slices.Insert(e.Words, 3, invented)
	p := pictureOf(t, e, "sound")
	assert.Equal(t, p.Marks[p.Wrong[0].Mark].Line, "invented")
}

func TestOnlyTheNeighbourhoodIsDrawn(t *testing.T) {
	const n = 10_000
	e := crowd(n, func(one event.Event) bool { return one.Child != 7000 && one.TID != 4000 })
	complete := pictureOf(t, e, "complete")
	assert.Equal(t, complete.Tasks[complete.Wrong[0].Task].TID, event.TID(7000))
	assert.Equal(t, len(complete.Tasks)+complete.Folded.Tasks, n+1)
	assert.Equal(t, complete.Tasks[0].Path, event.Main)
	var tids []event.TID
	for _, task := range complete.Tasks {
		tids = append(tids, task.TID)
	}
	for _, near := range []event.TID{100, 3999, 4000, 4001, 6999, 7000, 7001} {
		assert.Check(t, slices.Contains(tids, near), "%d is not among %d", near, tids)
	}
	for _, m := range complete.Marks {
		assert.Assert(t, m.Child == picture.None || complete.Tasks[m.Child].Number > 0)
	}
	exit := pictureOf(t, e, "exit")
	assert.Equal(t, exit.Tasks[exit.Wrong[0].Task].TID, event.TID(4000))
	text, err := json.Marshal(complete)
	assert.NilError(t, err)
	assert.Check(t, len(text) < 40_000, "it has %d bytes", len(text))
}

// It is not known when a signal was lost: that shows when the program is over.
func TestWhatHasNoTimeIsNoticed(t *testing.T) {
	e := crowd(2, func(event.Event) bool { return true })
	e.Ledger[1].Sent = 1
	p := pictureOf(t, e, "transparent")
	w := p.Wrong[0]
	assert.Check(t, w.Noticed && w.Missing == "delivery" && w.Task == 1, "%+v", w)
	assert.Equal(t, w.At, p.Tasks[1].Ended+5, "at the last that is known of its task")
}

func TestALongLineIsCut(t *testing.T) {
	e := crowd(2, func(one event.Event) bool { return one.Child != 102 })
	e.Words[0].Line = strings.Repeat("é", 500)
	p := pictureOf(t, e, "complete")
	i := slices.IndexFunc(p.Marks, func(m picture.Mark) bool { return m.Line != "" })
	assert.Check(t, strings.HasSuffix(p.Marks[i].Line, "é…"), p.Marks[i].Line)
	assert.Check(t, len(p.Marks[i].Line) < 250)
}

// The pictures of all recorded runs point to what they have, and are bounded.
func TestPicturesOfRecordedRunsAreWhole(t *testing.T) {
	file, err := os.Open("../judge/testdata/runs.jsonl.gz")
	assert.NilError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	assert.NilError(t, err)
	runs := bufio.NewScanner(unzipped)
	runs.Buffer(nil, 1<<26)
	drawn, later := 0, 0
	for runs.Scan() {
		var run struct{ Evidence *judge.Evidence }
		assert.NilError(t, json.Unmarshal(runs.Bytes(), &run))
		c := judge.Open(run.Evidence)
		rulings := c.Rulings()
		for i, p := range picture.Of(c, rulings) {
			if p == nil {
				continue
			}
			drawn++
			assert.Equal(t, len(p.Wrong), min(12, len(rulings[i].Violations)))
			checkWhole(t, p)
			later += len(slices.DeleteFunc(slices.Clone(p.Tasks), func(one picture.Task) bool {
				return one.Later == 0
			}))
		}
	}
	assert.NilError(t, runs.Err())
	assert.Check(t, drawn > 400, "%d pictures", drawn)
	assert.Check(t, later > 50, "%d tasks have another id after an exec", later)
}

func checkWhole(t *testing.T, p *picture.Picture) {
	t.Helper()
	assert.NilError(t, p.Check())
	assert.Check(t, len(p.Tasks) <= 20 && len(p.Marks) <= 120)
	for _, w := range p.Wrong {
		assert.Check(t, w.Missing == "" || w.Mark == picture.None)
	}
}

func TestAPictureThatPointsNowhereIsRefused(t *testing.T) {
	assert.NilError(t, (*picture.Picture)(nil).Check())
	one := []picture.Task{{Creator: picture.None}}
	mark := func(task, child int, at time.Duration) picture.Mark {
		return picture.Mark{Task: task, Child: child, At: at}
	}
	for _, c := range []struct {
		want string
		of   picture.Picture
	}{
		{"was not created by", picture.Picture{
			Scene: picture.Scene{Tasks: []picture.Task{{Creator: 0}}},
		}},
		{"is of no task", picture.Picture{
			Scene: picture.Scene{Tasks: one, Marks: []picture.Mark{mark(0, 1, 0)}},
		}},
		{"is of no task", picture.Picture{
			Scene: picture.Scene{Marks: []picture.Mark{mark(picture.None, picture.None, 0)}},
		}},
		{"order of their times", picture.Picture{Scene: picture.Scene{
			Tasks: one, Marks: []picture.Mark{mark(0, picture.None, 2), mark(0, picture.None, 1)},
		}}},
		{"is nowhere", picture.Picture{Wrong: []picture.Wrong{{Task: picture.None, Mark: 3}}}},
	} {
		assert.ErrorContains(t, c.of.Check(), c.want)
	}
}
