package findings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
)

// A History is how often what is known to fail has passed, over several runs of the suite. It
// counts for what comes at times.
type History struct {
	file   string
	mu     sync.Mutex
	passes map[place]int  // in a row, up to the run before this one
	now    map[place]runs // of this run
}

// A place is where a failure is known. A build of a debugger has a version of its own.
type place struct {
	Debugger string `json:"debugger"`
	Version  string `json:"version"`
	Scenario string `json:"scenario"` // and mode
	Rule     string `json:"rule"`
}

// runs are how many runs of a place were judged.
type runs struct {
	Passed int `json:"passed"`
	Failed int `json:"failed"`
}

// A historyLine is a line of a history's file.
type historyLine struct {
	Time time.Time `json:"time"`
	place
	runs
}

// ReadHistory reads a file of JSON lines, as [History.Write] writes them. It makes a file that is
// not there, so that one that cannot be written is an error before anything is run.
func ReadHistory(name string) (*History, error) {
	h := &History{file: name, passes: make(map[place]int), now: make(map[place]runs)}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		var l historyLine
		err := json.Unmarshal(line, &l)
		if err == nil && (l.Scenario == "" || l.Passed < 0 || l.Failed < 0) {
			err = errors.New("a scenario and how often it passed and failed are needed")
		}
		if err == nil && !bytes.HasSuffix(line, []byte("\n")) {
			err = errors.New("the line has no end")
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: no line of a history: %w", name, n, err)
		}
		h.passes[l.place] = l.after(h.passes[l.place])
	}
	return h, nil
}

// after is how many passes are in a row after these runs. The order of runs that passed and failed
// is not known: a failure ends the row.
func (r runs) after(before int) int {
	if r.Failed > 0 {
		return 0
	}
	return before + r.Passed
}

// Expect is [List.Expect] with the passes of the runs before this one. Several goroutines may call
// it.
func (h *History) Expect(l List, r harness.Result) harness.Result {
	lines := l.known(r)
	if len(lines) == 0 || r.Verdict != judge.Pass && r.Verdict != judge.Fail {
		return r
	}
	p := place{r.Debugger, r.Version, r.Scenario + "/" + string(r.Mode), r.Rule}
	now := runs{Passed: r.Passed - r.Cut}
	if r.Verdict == judge.Fail {
		now.Failed = max(1, r.Verdicts[judge.Fail])
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now[p] = now // a result of several failures comes once for each
	if r.Verdict == judge.Fail {
		return asKnown(r, lines)
	}
	return asMended(r, lines, now.after(h.passes[p]))
}

// Write adds what came of this run to the file.
func (h *History) Write() error {
	file, err := os.OpenFile(h.file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now().UTC().Truncate(time.Second)
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, p := range slices.SortedFunc(maps.Keys(h.now), place.compare) {
		encoder.Encode(historyLine{now, p, h.now[p]}) // a buffer takes all
	}
	_, err = file.Write(lines.Bytes()) // at once: another run may write too
	return errors.Join(err, file.Close())
}

func (p place) compare(other place) int {
	return slices.Compare([]string{p.Debugger, p.Version, p.Scenario, p.Rule},
		[]string{other.Debugger, other.Version, other.Scenario, other.Rule})
}
