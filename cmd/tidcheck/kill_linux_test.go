//go:build amd64 || arm64

package main

import (
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/report"
	"gotest.tools/v3/assert"
)

// moments returns n random moments in the time that a command takes, in order and evenly spread. A
// bend above 1 makes early moments more frequent, for commands that do most at their start. It logs
// its seed.
func moments(t *testing.T, n int, takes time.Duration, bend float64) []time.Duration {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d moments in %v", seed, n, takes)
	random := rand.New(rand.NewPCG(seed, 0))
	list := make([]time.Duration, n)
	for i := range list {
		share := (float64(i) + random.Float64()) / float64(n)
		list[i] = time.Duration(math.Pow(share, bend) * float64(takes))
	}
	return list
}

// quickest is the shortest time that a command took in some runs. The first may have to build
// fixtures.
func quickest(t *testing.T, argv []string) time.Duration {
	t.Helper()
	least := time.Hour
	for range 4 {
		begin := time.Now()
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		least = min(least, time.Since(begin))
	}
	return least
}

func TestNothingOutlivesAKilledRun(t *testing.T) {
	within(t, 4*time.Minute)
	program(t, "threads") // its compiler is the fixtures' too
	commands := []struct {
		argv  []string
		bend  float64
		takes time.Duration // zero: it is measured
		kills int
		lanes int // how many commands run at once
	}{
		{[]string{"tidcheck", "run", "--quick", "reference"}, 1, 0, 16, 2},
		{[]string{"tidcheck", "run", "--jobs=12", "book"}, 4, 5 * time.Second, 10, 10},
	}
	if os.Getenv("TIDCHECK_SOAK") != "" {
		commands[0].kills, commands[1].kills = 160, 100
	}
	for _, c := range commands {
		t.Run(c.argv[len(c.argv)-1], func(t *testing.T) {
			if c.takes == 0 {
				c.takes = quickest(t, c.argv)
			}
			all := moments(t, c.kills, c.takes, c.bend)
			var lanes sync.WaitGroup
			var killed atomic.Int64
			for lane := range c.lanes {
				var ours []time.Duration
				for i := lane; i < c.kills; i += c.lanes {
					ours = append(ours, all[i])
				}
				lanes.Go(func() {
					printed, _ := signalAt(t, "SIGKILL", ours, c.argv...)
					killed.Add(int64(strings.Count(printed, "signal: killed after ")))
				})
			}
			lanes.Wait()
			if t.Logf("killed %d before their end", killed.Load()); int(killed.Load()) < c.kills/5 {
				t.Errorf("%d of %d commands were killed before their end, want a fifth or more",
					killed.Load(), c.kills)
			}
		})
	}
}

func TestNothingLaunchedOutlivesAKilledTrace(t *testing.T) {
	within(t, 60*time.Second)
	crowd := program(t, "crowd")
	printed, _ := signalAt(t, "SIGKILL", moments(t, 20, 100*time.Millisecond, 1),
		"tidcheck", "trace", "--json", "--", crowd, "20", "2")
	if got := strings.Count(printed, "signal: killed after "); got != 20 {
		t.Errorf("killed %d traces of 20 before their end:\n%s", got, printed)
	}
}

func TestAttachedProgramOutlivesAKilledTrace(t *testing.T) {
	within(t, 60*time.Second)
	p := start(t, "crowd", "20", "2")
	for i, moment := range moments(t, 20, 100*time.Millisecond, 1) {
		printed, _ := signalAt(t, "SIGKILL", []time.Duration{moment},
			"tidcheck", "trace", "--json", "-p", p.pid())
		if !strings.HasPrefix(printed, "signal: killed after ") {
			t.Errorf("trace %d was not killed before its end: %s", i, printed)
		}
		p.wantReleased(t)
	}
	p.finish(t)
}

func TestARunThatWasStoppedAtOnceLeavesItsFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "report.json")
	want := []byte("the run before")
	assert.NilError(t, os.WriteFile(name, want, 0o600))
	files := resultFiles{
		names: map[string]string{"json": name}, files: make(map[string]*report.File),
	}
	assert.NilError(t, files.open())
	assert.NilError(t, files.write(&harness.Report{Stopped: "enough"}))
	got, err := os.ReadFile(name)
	assert.NilError(t, err)
	assert.Equal(t, string(got), string(want))
}

func TestInterruptedRunEndsSoon(t *testing.T) {
	within(t, 60*time.Second)
	program(t, "threads") // its compiler is the fixtures' too
	for _, moment := range []time.Duration{0, 300 * time.Millisecond} {
		file := filepath.Join(t.TempDir(), "report.json")
		printed, said := signalAt(t, "+SIGINT", []time.Duration{moment},
			"tidcheck", "run", "--json", file, "book")
		outcome, after, _ := strings.Cut(strings.TrimSpace(printed), " after ")
		took, err := time.ParseDuration(after)
		if outcome != "exit status 2" || err != nil || took > 3*time.Second {
			t.Errorf("SIGINT %v after its first line: got %q, want exit status 2 within 3s",
				moment, printed)
		}
		if strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "tidcheck run: ") {
			t.Errorf("SIGINT %v after its first line: it said %q, want one line", moment, said)
		}
		report, err := readReport(file)
		if err != nil || report.Stopped != "interrupt signal received" {
			t.Errorf("SIGINT %v after its first line: its report is %+v, %v, want one that says so",
				moment, report, err)
			continue
		}
		for _, r := range report.Results { // what was cut off tells nothing
			assert.Check(t, r.Verdict != judge.Unresolved, "%s/%s: %s", r.Scenario, r.Mode, r.Detail)
		}
	}
}
