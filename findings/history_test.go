package findings

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// atTimes fails in 1 run of 2, by a count whose interval begins at 9 %: 47 passes are due.
const atTimes = "# at times\ndebugger: gdb\nsometimes: 13.1 thread_nested/launch complete 1 of 2\n"

// again has a result of some passes, or of failures, in a run of the suite of its own.
func again(t *testing.T, file string, known List, passed, failed int) harness.Result {
	t.Helper()
	h, err := ReadHistory(file)
	assert.NilError(t, err)
	r := result("13.1", judge.Pass)
	r.Passed, r.Runs = passed, passed+failed
	if failed > 0 {
		r.Verdict, r.Verdicts = judge.Fail, judge.Tally{judge.Fail: failed, judge.Pass: passed}
	}
	got := h.Expect(known, r)
	assert.NilError(t, h.Write())
	return got
}

func TestPassesAreCountedOverRunsOfTheSuite(t *testing.T) {
	known, err := head(atTimes)
	assert.NilError(t, err)
	file := filepath.Join(t.TempDir(), "history.jsonl")
	for i, c := range []struct {
		passed, failed int
		want           judge.Verdict
	}{
		{30, 0, judge.Pass},
		{16, 0, judge.Pass},
		{20, 1, judge.KFail}, // the row begins anew
		{46, 0, judge.Pass},
		{1, 0, judge.KPass},
		{1, 0, judge.KPass},
	} {
		got := again(t, file, known, c.passed, c.failed)
		assert.Equal(t, got.Verdict, c.want, "run %d: %s", i, got.Detail)
	}
	text, err := os.ReadFile(file)
	assert.NilError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	assert.Equal(t, len(lines), 6)
	_, line, _ := strings.Cut(lines[2], `Z",`)
	assert.Equal(t, line, `"debugger":"gdb","version":"13.1","scenario":"thread_nested/launch",`+
		`"rule":"complete","passed":20,"failed":1}`)
}

// What no finding names, and what was not judged, is no part of a history.
func TestAHistoryIsOfWhatIsKnown(t *testing.T) {
	known, err := head(atTimes)
	assert.NilError(t, err)
	h, err := ReadHistory(filepath.Join(t.TempDir(), "history.jsonl"))
	assert.NilError(t, err)
	other := result("13.1", judge.Pass)
	other.Rule = "exit"
	for _, r := range []harness.Result{other, result("13.1", judge.Untested)} {
		assert.DeepEqual(t, h.Expect(known, r).Verdict, r.Verdict)
	}
	assert.Equal(t, len(h.now), 0)
}

func TestAHistoryThatIsNoneIsRefused(t *testing.T) {
	const line = `{"debugger":"gdb","scenario":"fork/launch","rule":"exit","passed":1}`
	file := filepath.Join(t.TempDir(), "history.jsonl")
	for _, bad := range []string{"{}\n", "null\n", line} { // the last has no end
		assert.NilError(t, os.WriteFile(file, []byte(bad), 0o644))
		_, err := ReadHistory(file)
		assert.ErrorContains(t, err, "history.jsonl:1: no line of a history: ")
	}
	assert.NilError(t, os.WriteFile(file, []byte(line+"\nnone\n"), 0o644))
	_, err := ReadHistory(file)
	assert.ErrorContains(t, err, "history.jsonl:2: no line of a history: ")
}

// saidMended tells whether a failure of a rate is said to be mended in a history that ends with its
// first failure. Each run of the suite adds one run.
func saidMended(random *rand.Rand, rate float64, count Rate) bool {
	line := []known{{failure: Failure{Scenarios: []string{"fork/launch"}, Rate: count}}}
	for passes := 1; random.Float64() >= rate; passes++ {
		if asMended(result("13.1", judge.Pass), line, passes).Verdict == judge.KPass {
			return true
		}
	}
	return false
}

// Of what still fails, the suite says in one history of a hundred at most that it is mended. The
// interval's lower end is the true rate here, which is the worst case. Of what is mended, it says
// so after as many runs as are due.
func TestMendedIsFalselySaidOnceInAHundred(t *testing.T) {
	const histories = 20000
	random := rand.New(rand.NewPCG(18, 2026))
	for _, c := range []struct {
		rate  float64
		count Rate
		due   int
	}{
		{0.05, Rate{100, 1653}, 90},
		{0.2, Rate{100, 419}, 21},
		{0.5, Rate{100, 174}, 7},
	} {
		assert.Equal(t, passesDue(c.count.least()), c.due, "%v", c.count)
		wrong := 0
		for range histories {
			if saidMended(random, c.rate, c.count) {
				wrong++
			}
		}
		// The error is at most 1 % by its definition; 3 deviations of chance are 0.2 %.
		assert.Check(t, float64(wrong) <= (maxError+0.002)*histories, "rate %v: %d of %d", c.rate,
			wrong, histories)
	}
}

// The same with a rate that was counted in 30 runs, as in practice.
func TestMendedIsFalselySaidSeldomAfterACount(t *testing.T) {
	const histories, measured = 20000, 30
	random := rand.New(rand.NewPCG(3, 2026))
	for _, rate := range []float64{0.05, 0.2, 0.5} {
		wrong := 0
		for range histories {
			count := Rate{0, measured}
			for range measured {
				if random.Float64() < rate {
					count.K++
				}
			}
			if count.K > 0 && saidMended(random, rate, count) {
				wrong++
			}
		}
		assert.Check(t, float64(wrong) <= maxError*histories, "rate %v: %d of %d", rate, wrong,
			histories)
	}
}
