package judge_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// A recorded run is evidence with the rulings that it had when it was recorded, without their
// words.
type recorded struct {
	Evidence json.RawMessage `json:"evidence"`
	Rulings  []ruling        `json:"rulings"`
}

// A ruling is what is kept of a judge.Ruling.
type ruling struct {
	Rule       string
	Verdict    judge.Verdict
	Violations []judge.Violation
}

// rulings are those of a run, without their words.
func rulings(e *judge.Evidence) []ruling {
	var kept []ruling
	for _, r := range judge.Open(e).Rulings() {
		bad := slices.Clone(r.Violations)
		for i := range bad {
			bad[i].Text = ""
		}
		kept = append(kept, ruling{r.Rule, r.Verdict, append([]judge.Violation{}, bad...)})
	}
	return kept
}

// The corpus: runs of all debuggers, and runs with the kernel's account that broke no rule.
var corpora = []string{"testdata/runs.jsonl.gz", "testdata/honest.jsonl.gz"}

// isUpdate tells whether the test was given -update, a flag of gotest.tools.
func isUpdate() bool { return flag.Lookup("update").Value.String() == "true" }

// eachRecorded calls test with each run of the corpus: small runs of all debuggers, in all modes,
// with and without the kernel's account.
func eachRecorded(t *testing.T, test func(recorded, *judge.Evidence)) {
	t.Helper()
	for _, corpus := range corpora {
		eachOf(t, corpus, test)
	}
}

func eachOf(t *testing.T, corpus string, test func(recorded, *judge.Evidence)) {
	t.Helper()
	file, err := os.Open(corpus)
	assert.NilError(t, err)
	defer file.Close()
	text, err := gzip.NewReader(file)
	assert.NilError(t, err)
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 16<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var run recorded
		assert.NilError(t, json.Unmarshal(lines.Bytes(), &run))
		e, err := judge.Decode(bytes.NewReader(run.Evidence))
		assert.NilError(t, err)
		test(run, e)
	}
	assert.NilError(t, lines.Err())
	assert.Assert(t, n >= 50, "%s has %d runs", corpus, n)
}

// record names folders of kept runs that are added to the corpus, such as those below --keep: to
// the second one if they have the kernel's account and broke no rule. Those with the proc connector
// alone were made where perf_event_open is refused, as in a room of internal/rooms.
var record = flag.String("record", "", "add the kept runs in these folders (a shell pattern)")

func TestRecordKeptRuns(t *testing.T) {
	if *record == "" {
		t.Skip("no -record")
	}
	folders, err := filepath.Glob(*record)
	assert.NilError(t, err)
	runs := make(map[string][]recorded)
	for _, corpus := range corpora {
		eachOf(t, corpus, func(run recorded, _ *judge.Evidence) {
			runs[corpus] = append(runs[corpus], run)
		})
	}
	for _, folder := range folders {
		text, err := os.ReadFile(filepath.Join(folder, "evidence.json"))
		assert.NilError(t, err)
		e, err := judge.Decode(bytes.NewReader(text))
		assert.NilError(t, err)
		var packed bytes.Buffer
		assert.NilError(t, json.Compact(&packed, text))
		corpus := corpora[0]
		if e.Account.Source != judge.NoAccount && openHonest(e) != nil {
			corpus = corpora[1]
		}
		runs[corpus] = append(runs[corpus], recorded{packed.Bytes(), rulings(e)})
	}
	for _, corpus := range corpora {
		writeRecorded(t, corpus, runs[corpus])
	}
}

// With -update the corpus keeps the rulings of now, and each that differs is printed.
func TestRecordedRunsAreJudgedAsTheyWere(t *testing.T) {
	for _, corpus := range corpora {
		judgeAgain(t, corpus)
	}
}

func judgeAgain(t *testing.T, corpus string) {
	var updated []recorded
	eachOf(t, corpus, func(run recorded, e *judge.Evidence) {
		got := rulings(e)
		switch {
		case reflect.DeepEqual(run.Rulings, got): // far quicker than a diff
		case isUpdate():
			logChanges(t, e, run.Rulings, got)
		default:
			t.Errorf("%s %s/%s (-recorded +now):\n%s", e.Debugger.Name, e.Scenario, e.Mode,
				cmp.Diff(run.Rulings, got))
		}
		updated = append(updated, recorded{run.Evidence, got})
	})
	if isUpdate() {
		writeRecorded(t, corpus, updated)
	}
}

func logChanges(t *testing.T, e *judge.Evidence, was, now []ruling) {
	for i := range max(len(was), len(now)) {
		if i >= len(was) || i >= len(now) || was[i].Verdict != now[i].Verdict ||
			!reflect.DeepEqual(was[i], now[i]) {
			t.Logf("%s %s/%s: %v, was %v", e.Debugger.Name, e.Scenario, e.Mode,
				now[min(i, len(now)-1)], was[min(i, len(was)-1)])
		}
	}
}

func writeRecorded(t *testing.T, corpus string, runs []recorded) {
	var text bytes.Buffer
	packed, err := gzip.NewWriterLevel(&text, gzip.BestCompression)
	assert.NilError(t, err)
	lines := json.NewEncoder(packed)
	lines.SetEscapeHTML(false)
	for _, run := range runs {
		assert.NilError(t, lines.Encode(run))
	}
	assert.NilError(t, packed.Close())
	assert.NilError(t, os.WriteFile(corpus, text.Bytes(), 0o644))
}

func TestEvidenceIsReadAsItWasWritten(t *testing.T) {
	eachRecorded(t, func(run recorded, e *judge.Evidence) {
		var written bytes.Buffer
		assert.NilError(t, e.Encode(&written))
		again, err := judge.Decode(&written)
		assert.NilError(t, err)
		want, err := json.Marshal(e)
		assert.NilError(t, err)
		got, err := json.Marshal(again)
		assert.NilError(t, err)
		assert.Assert(t, bytes.Equal(want, got), "%s %s/%s", e.Debugger.Name, e.Scenario, e.Mode)
	})
}
