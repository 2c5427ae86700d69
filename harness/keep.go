package harness

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// A folio is what is kept of one run: a folder of files that people read, and a script that runs it again.
type folio struct {
	folder string
	log    *transcript
}

// folioOf is where the n-th run of a scenario is kept; nil where nothing is.
func (o Options) folioOf(d Debugger, s Scenario, n int) *folio {
	if o.Keep == "" {
		return nil
	}
	run := s.Fixture.Name + "-" + string(s.Mode)
	if o.Repeat > 1 {
		run += fmt.Sprintf("-%d", n+1)
	}
	name := strings.ReplaceAll(d.Name(), "/", "_") // NAME=PATH is one folder
	return &folio{filepath.Join(o.Keep, name, run), &transcript{begun: time.Now()}}
}

// transcript is where a run notes what is said; nil where nothing is kept.
func (f *folio) transcript() *transcript {
	if f == nil {
		return nil
	}
	return f.log
}

// place is its folder; empty where nothing is kept.
func (f *folio) place() string {
	if f == nil {
		return ""
	}
	return f.folder
}

// keep writes what a run left behind.
func (f *folio) keep(e *evidence, results []Result) error {
	if f == nil {
		return nil
	}
	verdicts, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"results.json": append(verdicts, '\n'),
		"protocol.log": f.log.content(),
	}
	if again := results[0].Again; again != "" {
		files["again.sh"] = []byte("#!/bin/sh\n" + again + "\n")
	}
	if e != nil {
		files["said.jsonl"] = said(e)
		files["proc.txt"] = []byte(e.shown())
		if e.truth != nil {
			files["truth.txt"] = []byte(e.truth.account())
		}
	}
	if err := os.MkdirAll(f.folder, 0o755); err != nil {
		return fmt.Errorf("keep a run: %w", err)
	}
	var errs []error
	for name, content := range files {
		mode := os.FileMode(0o644)
		if filepath.Ext(name) == ".sh" {
			mode = 0o755
		}
		errs = append(errs, os.WriteFile(filepath.Join(f.folder, name), content, mode))
	}
	return errors.Join(errs...)
}

// said is what the debugger said, as JSON lines, with the true paths of its tasks.
func said(e *evidence) (lines []byte) {
	for _, v := range e.said {
		l := event.Labelled{Event: v, Path: e.truth.path(v.TID)}
		if v.Child != 0 {
			l.ChildPath = e.truth.path(v.Child)
		}
		lines = append(l.AppendJSON(lines), '\n')
	}
	return lines
}

// account is the truth for people: the canonical form, then each life with its times.
func (t *truth) account() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", t.family.Form())
	for _, l := range t.lives {
		died := "lived on"
		if l.died != never {
			died = "ended at " + seconds(l.died)
		}
		fmt.Fprintf(&b, "%s: task %d of process %d, born at %s, %s, status %s\n", l.Path, l.TID, l.PID, seconds(l.born), died, l.status)
	}
	return b.String()
}

func seconds(at time.Duration) string { return fmt.Sprintf("%.6f s", at.Seconds()) }

// shown is what /proc showed at each moment at which somebody looked.
func (e *evidence) shown() string {
	var b strings.Builder
	show := func(when string, tasks []procTask) {
		if len(tasks) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s:\n", when)
		for _, t := range tasks {
			fmt.Fprintf(&b, "  %s: %s\n", e.truth.name(t.tid), t)
		}
	}
	show("before the attach", e.before)
	for _, s := range e.standstills {
		show(s.where+", standing", s.stood)
		fmt.Fprintf(&b, "  listed: %v\n", s.listed)
		show(s.where+", after the list", s.after)
		show(s.where+", left when all were to go on", s.left)
	}
	show("when the debugger was to be killed", e.orphaned)
	after := "after the detach"
	if e.mode == fixtures.Orphaned {
		after = "after its death"
	}
	show(after, e.released)
	show(cmp.Or(e.overdue, "the end")+", when it did not come", e.dump)
	return b.String()
}
