package harness

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/witness"
	"gotest.tools/v3/assert"
)

// A sketch is a run written by hand: tests take a good one and break it.
type sketch struct {
	kernel string // the witness's account, "TIME EVENT" a line; empty for a run without a witness
	wants  string // what the fixture declares
	ledger announced
	said   string
	gate   time.Duration
	cut    time.Duration

	evidence // what is not made of the above
}

// launched is a program that a debugger started: main makes two threads, the second of which makes one.
func launched() *sketch {
	s := &sketch{
		gate: 5, cut: 1000,
		kernel: `
			2 100: exec
			10 100: clone 101
			20 100: clone 102
			25 100/102: clone 103
			30 100/103: exit ?
			40 100/101: exit ?
			50 100/102: exit ?
			60 100: exit ?`,
		wants: `
			main: clone main/1..2, exit 0
			main/1: exit 0
			main/2: clone main/2/1, exit 3
			main/2/1: exit 0`,
		ledger: announced{{tid: 100, pid: 100, creator: -1}, {tid: 101, pid: 100}, {tid: 102, pid: 100}, {tid: 103, pid: 100, creator: 2}},
		said: `
			100: ready
			100: clone 101
			100: clone 102
			100/102: clone 103
			100/103: exit 0
			100/101: exit 0
			100/102: exit 3
			100: exit 0
			100: end 0`,
	}
	ended := outcome{ended: true, status: event.Exited(0)}
	s.mode, s.can, s.exact, s.limit = fixtures.Launch, AllFields, true, time.Second
	s.control, s.outcome = ended, ended
	s.control.lines = []string{"process: main, thread: main/2/1", "done"}
	s.outcome.lines = []string{"done", "process: 100, thread: 103"}
	return s
}

// attached is the same program, attached to from 12 to 22 and let go of from 45 to 48: 101 lives
// through the attach, 102 is born inside it and found, and 104 was, and is over before it is complete.
func attached() *sketch {
	s := launched()
	s.mode = fixtures.DetachDuring
	s.can = append(s.can, Detach)
	s.replace(&s.kernel, "20 100: clone 102", "15 100: clone 104\n17 100/104: exit ?\n20 100: clone 102")
	s.replace(&s.kernel, "60 100: exit ?", "55 100: clone 105\n60 100: exit ?")
	s.replace(&s.wants, "main: clone main/1..2, exit 0", "main: clone main/1..4, exit 0")
	s.replace(&s.wants, "main/2: clone main/2/1, exit 3", "main/2: exit 0\nmain/4: exit 0\nmain/3: clone main/3/1, exit 3")
	s.replace(&s.wants, "main/2/1: exit 0", "main/3/1: exit 0")
	s.said = `
		100: attach
		100/101: attach
		100/102: attach
		100: ready
		100/102: clone 103
		100/103: exit 0
		100/101: exit 0`
	s.evidence.attached = interval{12, 22}
	s.evidence.detached = interval{45, 48}
	s.before = []procTask{{tid: 100, state: "S (sleeping)"}, {tid: 101, state: "T (stopped)"}}
	s.released = []procTask{{tid: 100, state: "S (sleeping)"}, {tid: 101, state: "T (stopped)"}}
	s.control.lines = []string{"process: main, thread: main/3/1", "done"}
	return s
}

// replace changes a text, which must hold what is to be changed.
func (*sketch) replace(text *string, from, to string) {
	if !strings.Contains(*text, from) {
		panic(fmt.Sprintf("%q is not in the sketch", from))
	}
	*text = strings.Replace(*text, from, to, 1)
}

func (s *sketch) say(from, to string)       { s.replace(&s.said, from, to) }
func (s *sketch) kernelDid(from, to string) { s.replace(&s.kernel, from, to) }

// withoutWitness is the same run where the kernel refused its account.
func (s *sketch) withoutWitness() { s.kernel = "" }

// records reads the kernel's account.
func (s *sketch) records(t *testing.T) []witness.Record {
	t.Helper()
	var records []witness.Record
	for line := range strings.Lines(s.kernel) {
		at, text, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		n, err := strconv.Atoi(at)
		assert.NilError(t, err)
		e, err := event.ParseText(text)
		assert.NilError(t, err)
		records = append(records, witness.Record{Event: e.Event, At: time.Duration(n)})
	}
	return records
}

// expected reads what the fixture declares.
func (s *sketch) expected(t *testing.T) event.Expected {
	t.Helper()
	var wants []event.Want
	for line := range strings.Lines(s.wants) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		w, err := event.ParseWant(line)
		assert.NilError(t, err)
		wants = append(wants, w)
	}
	x, err := event.Expand(wants, nil, [2]int{6, 1})
	assert.NilError(t, err)
	return x
}

// newTruth makes the truth of the sketch as a run does.
func (s *sketch) newTruth(t *testing.T) (*truth, error) {
	t.Helper()
	return newTruth(s.ledger, s.records(t), s.gate, s.cut, s.expected(t), s.outcome)
}

// joined is the evidence of the sketch.
func (s *sketch) joined(t *testing.T) *evidence {
	t.Helper()
	e := s.evidence
	e.announced = s.ledger
	var err error
	e.said, err = event.ParseTrace(s.said)
	assert.NilError(t, err)
	e.truth, err = s.newTruth(t)
	assert.NilError(t, err)
	e.join()
	return &e
}

// judged applies the rule of that name.
func (s *sketch) judged(t *testing.T, rule string) (Verdict, string) {
	t.Helper()
	for _, r := range Rules {
		if r.Name == rule {
			return s.joined(t).judge(r)
		}
	}
	t.Fatalf("no rule is called %s", rule)
	return "", ""
}

// A broken is a way to break a good run, and what the rule then says.
type broken struct {
	name  string
	spoil func(*sketch)
	want  string // a part of the accusation; empty if there must be none
}

// testRule holds the good run and the broken ones to a rule.
func testRule(t *testing.T, rule string, good func() *sketch, cases []broken) {
	t.Helper()
	verdict, detail := good().judged(t, rule)
	assert.Equal(t, verdict, Pass, "the good run: %s", detail)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := good()
			c.spoil(s)
			got, detail := s.judged(t, rule)
			want := Fail
			if c.want == "" {
				want = Pass
			}
			assert.Equal(t, got, want, detail)
			assert.Assert(t, strings.Contains(detail, c.want), "got %q, want %q in it", detail, c.want)
		})
	}
}

func TestALifeBeforeTheAttachIsNotTheOneThatIsTold(t *testing.T) {
	before := func(s *sketch) {
		s.replace(&s.wants, "main: clone main/1..4, exit 0", "main: clone main/1..5, exit 0")
		s.replace(&s.wants, "main/2: exit 0\nmain/4: exit 0\nmain/3: clone main/3/1, exit 3", "main/2..3: exit 0\nmain/5: exit 0\nmain/4: clone main/4/1, exit 3")
		s.replace(&s.wants, "main/3/1: exit 0", "main/4/1: exit 0")
		s.kernelDid("10 100: clone 101", "6 100: clone 103\n8 100/103: exit ?\n10 100: clone 101")
	}
	dying := func(s *sketch) { // it is over by the kernel's word, and can be attached to until it is
		before(s)
		s.say("100: ready", "100/103: attach\n100/103: exit 0\n100: ready")
	}
	twice := func(s *sketch) { // over before, and used again inside the attach: it is likelier that which was found
		before(s)
		s.replace(&s.wants, "main: clone main/1..5, exit 0", "main: clone main/1..6, exit 0")
		s.replace(&s.wants, "main/2..3: exit 0\nmain/5: exit 0\nmain/4: clone main/4/1, exit 3", "main/2: exit 0\nmain/3: exit 7\nmain/4: exit 0\nmain/6: exit 0\nmain/5: clone main/5/1, exit 3")
		s.replace(&s.wants, "main/4/1: exit 0", "main/5/1: exit 0")
		s.kernelDid("15 100: clone 104", "13 100: clone 103\n14 100/103: exit ?\n15 100: clone 104")
		s.say("100: ready", "100/103: attach\n100/103: exit 7\n100: ready")
	}
	for _, rule := range []string{"complete", "once", "parent", "order", "exit"} {
		testRule(t, rule, attached, []broken{
			{"a tid that was used before", before, ""},
			{"one that was in the midst of its end", dying, ""},
			{"one that was used before and inside", twice, ""},
		})
	}
}

func TestALifeInsideTheAttachIsNotTheOneThatIsToldLater(t *testing.T) {
	again := func(told string) func(*sketch) {
		return func(s *sketch) { // 104, which came and went inside the attach, comes again after it
			s.kernelDid("25 100/102: clone 103", "25 100/102: clone 103\n26 100/102: clone 104\n28 100/104: exit ?")
			s.replace(&s.wants, "main/3: clone main/3/1, exit 3", "main/3: clone main/3/1..2, exit 3")
			s.replace(&s.wants, "main/3/1: exit 0", "main/3/1: exit 0\nmain/3/2: exit 5")
			s.say("100/102: clone 103", told)
		}
	}
	for _, rule := range []string{"complete", "once", "parent", "order", "exit"} {
		testRule(t, rule, attached, []broken{
			{"the first is not told", again("100/102: clone 103\n100/102: clone 104\n100/104: exit 5"), ""},
			{"both are told", again("100: clone 104\n100/104: exit 0\n100/102: clone 103\n100/102: clone 104\n100/104: exit 5"), ""},
		})
	}
	testRule(t, "once", attached, []broken{
		{"both are told by who names no creators", again("100/0: clone 104\n100/104: exit 0\n100/0: clone 103\n100/0: clone 104\n100/104: exit 5"), ""},
	})
	testRule(t, "complete", attached, []broken{{"the second is not told, and the first was listed", func(s *sketch) {
		again("100/102: clone 103")(s)
		s.say("100/102: attach", "100/104: attach\n100/104: exit 0\n100/102: attach")
	}, "task 104 (main/3/2), born of main/3, was not reported"}})
	testRule(t, "complete", attached, []broken{{"the second is not told", again("100: clone 104\n100/104: exit 0\n100/102: clone 103"), "task 104 (main/3/2), born of main/3, was not reported"}})
	testRule(t, "once", attached, []broken{{"both are told, and one again", again("100: clone 104\n100/104: exit 0\n100/102: clone 103\n100/102: clone 104\n100/102: clone 104\n100/104: exit 5"), "was told before"}})
	testRule(t, "parent", attached, []broken{{"both are told, and the second of another", again("100: clone 104\n100/104: exit 0\n100/102: clone 103\n100: clone 104\n100/104: exit 5"), "it is main/3/2, which task 102 (main/3) created"}})
}

func TestALifeInsideTheAttachThatIsToldWithAnotherCreatorIsNotToldAgain(t *testing.T) {
	tell := func(creator string) func(*sketch) {
		return func(s *sketch) {
			s.say("100/102: attach", "100/"+creator+": clone 104\n100/104: exit 0\n100/102: attach")
		}
	}
	testRule(t, "once", attached, []broken{
		{"by who names no creators", tell("0"), ""},
		{"of a wrong creator", tell("101"), ""},
	})
	testRule(t, "parent", attached, []broken{{"of a wrong creator", tell("101"), "it is main/2, which task 100 (main) created"}})
}

func TestADebuggerThatHungIsJudgedByThatAlsoIfItDoesNotEnd(t *testing.T) {
	hanging, other := &evidence{overdue: "the program's end"}, &evidence{}
	hanging.ending(errUnending)
	other.ending(errUnending)
	assert.Assert(t, hanging.broken == nil && hanging.unending, "%v", hanging.broken)
	assert.ErrorIs(t, other.broken, errUnending)
	crashed := errors.New("it crashed")
	hanging.ending(crashed)
	assert.ErrorIs(t, hanging.broken, crashed)
	hanging.ending(errUnending)
	assert.ErrorIs(t, hanging.broken, crashed)
}
