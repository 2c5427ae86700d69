// Package page tests what tidcheck report writes with tools that its users are not to inherit: the
// page in Chromium, and the JSON by its schema.
package page

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"sync"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// recorded is a report with the results of all recorded runs, of all debuggers.
func recorded(t *testing.T) *harness.Report {
	t.Helper()
	text := recordedText(t)
	r := &harness.Report{}
	assert.NilError(t, json.Unmarshal(text, r))
	return r
}

var judged struct {
	once sync.Once
	text []byte
}

// recordedText judges the recorded runs once for all tests.
func recordedText(t *testing.T) []byte {
	t.Helper()
	judged.once.Do(func() {
		text, err := json.Marshal(judgeRecorded(t))
		assert.NilError(t, err)
		judged.text = text
	})
	return judged.text
}

func judgeRecorded(t *testing.T) *harness.Report {
	t.Helper()
	r := &harness.Report{
		Form: harness.FormVersion, Suite: "0.1.0",
		Machine: harness.Machine{Kernel: "6.18.44", Arch: "amd64", Witness: "perf"},
	}
	file, err := os.Open("../../judge/testdata/runs.jsonl.gz")
	assert.NilError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	assert.NilError(t, err)
	runs := bufio.NewScanner(unzipped)
	runs.Buffer(nil, 1<<26)
	known, seen := make(map[string]bool), make(map[[3]string]bool)
	for runs.Scan() {
		var run struct{ Evidence *judge.Evidence }
		assert.NilError(t, json.Unmarshal(runs.Bytes(), &run))
		e := run.Evidence
		if run := [3]string{e.Debugger.Name, e.Scenario, string(e.Mode)}; seen[run] {
			continue
		} else {
			seen[run] = true
		}
		if !known[e.Debugger.Name] {
			known[e.Debugger.Name] = true
			id := harness.Identity{Name: e.Debugger.Name, Version: e.Debugger.Version}
			r.Debuggers = append(r.Debuggers, id)
		}
		r.Results = append(r.Results, harness.Results(e)...)
	}
	assert.NilError(t, runs.Err())
	return r
}
