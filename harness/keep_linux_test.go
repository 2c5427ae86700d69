//go:build amd64 || arm64

package harness_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tidcheck/tidcheck/debuggers/defective"
	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// A run that was kept is judged as it was, in every part of its results.
func TestAKeptRunIsJudgedAsItWas(t *testing.T) {
	scenarios := regexp.MustCompile("^(fork/launch|" +
		"attach_idle/(attach_before|detach_during|orphaned)|" +
		"thread_storm/stops|attach_churn/attach_again)$")
	var lazy harness.Debugger // it attaches to the leader alone
	for _, d := range defective.All() {
		if d.Name() == "defective:attaches-leader-only" {
			lazy = d
		}
	}
	assert.Assert(t, lazy != nil)
	o := harness.Options{
		Match: scenarios, Keep: t.TempDir(), Reference: reference.Debugger{},
		Again: func(debugger string, s harness.Scenario) string {
			return "tidcheck run " + debugger + " " + s.String()
		},
	}
	report := runAll(t, o, reference.Debugger{}, lazy)
	kept := make(map[string][]harness.Result)
	failed := 0
	for _, r := range report.Results {
		kept[r.Kept] = append(kept[r.Kept], r)
		if r.Verdict != judge.Pass && r.Verdict != judge.Untested {
			failed++
		}
	}
	assert.Equal(t, len(kept), 12)
	assert.Assert(t, failed > 0)
	for folder, want := range kept {
		again, err := harness.JudgeKept(folder)
		assert.NilError(t, err)
		diff := cmp.Diff(want, again.Results,
			cmpopts.IgnoreFields(harness.Result{}, "Version", "Cut"),
			cmpopts.IgnoreUnexported(harness.Result{}))
		assert.Check(t, diff == "", "%s (-run +kept):\n%s", folder, diff)
		assert.Equal(t, again.Suite, report.Suite)
		scenario := want[0].Scenario + "/" + string(want[0].Mode)
		assert.Equal(t, want[0].Again, "tidcheck run "+want[0].Debugger+" "+scenario)
		// Why a run lacked an account is in its evidence.
		assert.DeepEqual(t, again.Machine, report.Machine,
			cmpopts.IgnoreFields(harness.Machine{}, "Refused"))
		assert.Equal(t, again.Debuggers[0].Name, want[0].Debugger)
	}
}

// The folder of a run has what people read.
func TestAKeptRunHasFilesForPeople(t *testing.T) {
	o := harness.Options{
		Match: regexp.MustCompile("^attach_idle/orphaned$"), Keep: t.TempDir(),
		Again: func(debugger string, s harness.Scenario) string { return "echo again" },
	}
	report := runAll(t, o, harness.Rename(reference.Debugger{}, "reference=/a/build"))
	folder := report.Results[0].Kept
	assert.Equal(t, folder, filepath.Join(o.Keep, "reference=_a_build", "attach_idle-orphaned"))
	for name, want := range map[string]string{
		"evidence.json": `"form": 1`,
		"results.json":  `"verdict": "PASS"`,
		"again.sh":      "#!/bin/sh\necho again\n",
		"said.jsonl":    `"path":"main"`,
		"proc.txt":      "when the debugger was to be killed, at ",
		"truth.txt":     "main: ",
		"protocol.log":  "",
	} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		assert.NilError(t, err)
		assert.Check(t, strings.Contains(string(text), want), "%s: %s", name, text)
	}
}

func TestWhatWasNotKeptCannotBeJudged(t *testing.T) {
	dir := t.TempDir()
	_, err := harness.JudgeKept(dir)
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "read a run that was kept: ")
	name := filepath.Join(dir, "evidence.json")
	assert.NilError(t, os.WriteFile(name, []byte(`{"form": 99}`), 0o644))
	_, err = harness.JudgeKept(dir)
	assert.Error(t, err, name+": its form is 99, and this tidcheck reads form 1")
}
