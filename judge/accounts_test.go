package judge

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

func TestTheFormOfAProgramBeginsWithItsFirstExec(t *testing.T) {
	s := launched()
	s.kernelDid("2 100: exec",
		"1 90: fork 100\n1 99: exec\n1 100: clone 98\n1 100/98: exit ?\n2 100: exec")
	form, err := FormOf(100, recordsIn(t, s.kernel))
	assert.NilError(t, err)
	assert.Equal(t, form.String(), launchedForm)

	s = launched()
	s.kernelDid("2 100: exec\n", "")
	_, err = FormOf(100, recordsIn(t, s.kernel))
	assert.Error(t, err, "process 100 executed no program")

	s = launched()
	s.kernelDid("10 100: clone 101", "10 100: clone 100")
	_, err = FormOf(100, recordsIn(t, s.kernel))
	assert.ErrorContains(t, err, "the witness's account: ")

	s.kernel = "2 100: exec"
	form, err = FormOf(100, recordsIn(t, s.kernel))
	assert.NilError(t, err)
	assert.Equal(t, form.String(), "main:")
}

func TestStatusesAreThoseThatTheDebuggerTold(t *testing.T) {
	s := launched()
	s.say("100/103: exit 0", "100/103: signal SIGUSR1")
	s.say("100/101: exit 0", "100/101: killed SIGKILL\n100/999: exit 5")
	assert.DeepEqual(t, s.opened(t).statuses(), map[event.Path]event.Status{
		"main": event.Exited(0), "main/1": event.Killed(9), "main/2": event.Exited(3),
	})
}

func TestAControlIsMadeOfProgramsThatExecuteAndThatAreNotExact(t *testing.T) {
	control, err := ControlOf(executed().evidence(t), false, false)
	assert.NilError(t, err)
	assert.Equal(t, control.Exact, true)
	assert.Equal(t, control.Status, event.Exited(3))

	open := launched()
	open.wants = "*: at least 3 clone *, at least 4 exit 0\nmain: exit 0"
	open.Ledger[3] = torn
	control, err = ControlOf(open.evidence(t), false, false)
	assert.NilError(t, err, "a runtime's tasks do not announce themselves")
	assert.Equal(t, control.Exact, false)
}

func TestAProgramThatNeverBeganHasNoTruth(t *testing.T) {
	assert.Equal(t, launched().opened(t).Began(), true)
	s := launched()
	hung(s)
	s.Ledger = nil
	c := s.opened(t)
	assert.Equal(t, c.Began(), false)
	assert.Equal(t, c.ShowTruth(), "")
}

func TestSlotsWithoutACreatorAreNoExecsThatTheKernelKnows(t *testing.T) {
	s := executed()
	s.Ledger[3].Creator = UnknownCreator
	assert.ErrorContains(t, Open(s.evidence(t)).Fault(),
		"task 100 announced itself in slot 3, and the kernel told of no such task there")
	s = launched()
	s.withoutAccount()
	s.Ledger[3].Creator = 77
	assert.Equal(t, s.opened(t).truth.form().String(), "main: clone main/1, clone main/2\n"+
		"main/1:\nmain/2:")
}

// Of two lives of an id the host's task is the one of its process.
func TestAHostsTaskIsOfItsProcess(t *testing.T) {
	s := hosted(launched())
	s.kernelDid("3 100: clone 91", "3 100: fork 92\n3 92: exit ?\n3 100: clone 91")
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	assert.Equal(t, truth.byTID[92][0].host, false)
	assert.Equal(t, truth.byTID[92][1].host, true)
	assert.Equal(t, truth.byTID[92][0].Path, event.Path("main/1"))
}

func TestEvidenceIsWrittenAndReadWithCare(t *testing.T) {
	var b strings.Builder
	e := launched().evidence(t)
	e.Again = "tidcheck run a<b && c>d"
	assert.NilError(t, e.Encode(&b))
	assert.Assert(t, strings.Contains(b.String(), e.Again), "it is to be read by people")

	broken := errors.New("the disk is gone")
	_, err := Decode(iotest.ErrReader(broken))
	assert.ErrorIs(t, err, broken)

	e = stoppedOnce().evidence(t)
	e.Standstills[0].During.State = "nonsense"
	b.Reset()
	assert.NilError(t, e.Encode(&b))
	_, err = Decode(strings.NewReader(b.String()))
	assert.ErrorContains(t, err, `during: "nonsense"`)

	assert.Assert(t, new(Record).UnmarshalJSON([]byte(`{"at":"noon"}`)) != nil)
	assert.Assert(t, new(Words).UnmarshalJSON([]byte(`[{"at":"noon"}]`)) != nil)
}

func TestWordsOfOneLineStandTogether(t *testing.T) {
	word := func(line string, at int, told string) Word {
		e, err := event.ParseText(told)
		assert.NilError(t, err)
		return Word{Event: e.Event, At: time.Duration(at), Line: line}
	}
	words := Words{
		word("a", 1, "100: clone 101"), word("a", 1, "100: clone 102"),
		word("a", 2, "100: clone 103"), word("b", 2, "100: exit 0"),
	}
	text, err := json.Marshal(words)
	assert.NilError(t, err)
	assert.Equal(t, strings.Count(string(text), `"line"`), 3, "%s", text)

	read := Words{word("before", 0, "1: exit 1")}
	assert.NilError(t, json.Unmarshal(text, &read))
	assert.DeepEqual(t, read, words)
	var told event.Trace
	for _, w := range words {
		told = append(told, w.Event)
	}
	assert.DeepEqual(t, read.Trace(), told)
}

func TestTheTruthOfUnusualAccounts(t *testing.T) {
	for _, c := range []struct {
		name   string
		good   func() *sketch
		change func(*sketch)
		want   string
	}{
		{"the last record comes with the cut", launched, func(s *sketch) {
			s.Account.Cut = 60
		}, launchedForm},
		{"the first record comes after the cut", launched, func(s *sketch) {
			s.Account.Cut = 5
		}, "main:"},
		{"a process executes before the gate", launched, func(s *sketch) {
			s.kernelDid("2 100: exec", "2 100: exec\n3 100: fork 91\n3 91: exec\n4 91: exit ?")
		}, "main: fork main/1, clone main/2, clone main/3, exit ?\nmain/1: exit ?\n" +
			"main/2: exit ?\nmain/3: clone main/3/1, exit ?\nmain/3/1: exit ?"},
		{"another process lives on beside an exec", executed, func(s *sketch) {
			s.kernelDid("30 100/102: exit ?", "25 100: fork 200\n30 100/102: exit ?")
		}, "main: clone main/1, clone main/2, fork main/3, exit ?\n" +
			"main/1: exec, clone main/1/1, exit ?\nmain/1/1: exit ?\nmain/2: exit ?\nmain/3:"},
	} {
		s := c.good()
		c.change(s)
		truth, err := s.newTruth(t)
		assert.NilError(t, err, c.name)
		assert.Equal(t, truth.family.Form().String(), c.want, c.name)
	}
	s := launched()
	s.withoutAccount()
	s.Ledger[0].State = Executed // before its gate
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	assert.Equal(t, len(truth.execs), 0)
}
