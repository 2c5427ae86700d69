package book

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	testproc.Main(m, nil)
}

func TestLinesAreReadAsTheLessonMeansThem(t *testing.T) {
	s := &session{pid: 7}
	for line := range strings.Lines(`tracee stopped at 7f31
tracee stopped, tracee pid:7, status: trace/breakpoint trap, trapcause is clone: true
eventmsg: new thread lwp pid: 8
eventmsg: new thread lwp pid: 8

tracee exited, tracee pid:7
`) {
		assert.NilError(t, s.take([]byte(strings.TrimSuffix(line, "\n"))))
	}
	var got []string
	for _, e := range s.Words().Trace() {
		got = append(got, e.String())
	}
	assert.DeepEqual(t, got, []string{"7: attach at 0x7f31", "7: clone 8", "7: clone 8"})
	assert.Assert(t, s.attached)
	assert.DeepEqual(t, s.Can(), judge.Abilities{judge.Births, judge.Creators, judge.Detach})
}

func TestLinesWithoutANumberAreRefused(t *testing.T) {
	for line, want := range map[string]string{
		"tracee stopped at the door":      `"tracee stopped at the door": strconv.ParseUint: `,
		"eventmsg: new thread lwp pid: x": `"eventmsg: new thread lwp pid: x": strconv.Atoi: `,
	} {
		s := &session{pid: 7}
		assert.ErrorContains(t, s.take([]byte(line)), want)
	}
}

func TestTheLessonsTracerIsCaught(t *testing.T) {
	want := map[string]judge.Verdict{
		"fork/launch complete":               judge.Unsupported,
		"attach_idle/attach_before complete": judge.Fail, // it attaches to the main thread alone
		"attach_idle/attach_before exit":     judge.Unsupported,
	}
	report, err := harness.RunAll(
		t.Context(), []harness.Debugger{Debugger{}},
		harness.Options{Match: regexp.MustCompile(`^(fork/launch|attach_idle/attach_before)$`)},
		func([]harness.Result) {})
	assert.NilError(t, err)
	for _, r := range report.Results {
		name := fmt.Sprintf("%s/%s %s", r.Scenario, r.Mode, r.Rule)
		if v, ok := want[name]; ok {
			assert.Check(t, r.Verdict == v, "%s: got %s, want %s: %s", name, r.Verdict, v, r.Detail)
			delete(want, name)
		}
	}
	assert.Equal(t, len(want), 0, "%v", want)
}
