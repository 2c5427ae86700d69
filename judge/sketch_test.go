package judge

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// A sketch is a run written by hand: tests take a good one and break it. Its texts and looks are
// put into its evidence when it is judged.
type sketch struct {
	Evidence // but for what is made of the following

	kernel string // the kernel's account, "TIME EVENT" a line; empty for a run without one
	conn   string // that of the proc connector, likewise
	wants  string // what the fixture declares
	said   string // what the debugger told

	readAt map[string]time.Duration // when a word was read that is written so

	before   []Task // what /proc showed before the attach
	atKill   []Task // when the debugger was to be killed
	held     []Task // just before the detach
	released []Task // after the detach
	dump     []Task // when a step was overdue

	announced int // how many tasks had announced themselves before the attach
}

// slot is what a thread of process 100 announced.
func slot(tid event.TID, creator int) Announcement {
	return Announcement{State: Born, TID: tid, PID: 100, Creator: creator}
}

// became is what the task of a slot announced after an exec, by which it has the id 100.
func became(creator int) Announcement {
	return Announcement{State: Executed, TID: 100, PID: 100, Creator: creator}
}

// hostSlot is what a thread of the program that hosts the fixture announced.
func hostSlot(tid event.TID) Announcement {
	return Announcement{State: Host, TID: tid, PID: 100, Creator: UnknownCreator}
}

// torn is a slot that was claimed, and whose task never came.
var torn = Announcement{State: Claimed}

// notAsked is a request that was not made, and took one that was.
var notAsked = Interval{State: NotAsked}

func took(asked, complete time.Duration) Interval {
	return Interval{State: Complete, Asked: asked, Complete: complete}
}

// launched is a program that a debugger started: main makes two threads, and the second makes one.
func launched() *sketch {
	s := &sketch{
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
	s.Evidence = Evidence{
		Form:     FormVersion,
		Suite:    "0",
		Kernel:   "6.1.0",
		Arch:     "amd64",
		Scenario: "sketch",
		Mode:     fixtures.Launch,
		Limit:    time.Second,
		Debugger: Debugger{Name: "sketched", Abilities: AllFields},
		Control: Control{
			Exact: true, Status: event.Exited(0),
			Lines: []string{"process: main, thread: main/2/1", "done"},
		},
		Progress: Progress{State: Done},
		End:      End{State: Ended},
		Attach:   notAsked,
		Detach:   notAsked,
		Program: Program{
			State: Over, Gate: 5, Status: event.Exited(0),
			Lines: []string{"done", "process: 100, thread: 103"},
		},
		Ledger: []Announcement{
			slot(100, UnknownCreator),
			slot(101, 0),
			slot(102, 0),
			slot(103, 2),
		},
		Account: Account{Cut: 1000},
	}
	return s
}

// attached is the same program, attached to from 12 to 22 and let go of from 45 to 48. 101 lives
// through the attach, 102 is born inside it and found, and 104 is born inside it and ends before it
// is complete.
func attached() *sketch {
	s := launched()
	s.Mode = fixtures.DetachDuring
	s.offer(Detach)
	s.kernelDid("20 100: clone 102", "15 100: clone 104\n17 100/104: exit ?\n20 100: clone 102")
	s.kernelDid("60 100: exit ?", "55 100: clone 105\n58 100/105: exit ?\n60 100: exit ?")
	s.declare("main: clone main/1..2, exit 0", "main: clone main/1..4, exit 0")
	s.declare("main/2: clone main/2/1, exit 3",
		"main/2: exit 0\nmain/4: exit 0\nmain/3: clone main/3/1, exit 3")
	s.declare("main/2/1: exit 0", "main/3/1: exit 0")
	s.said = `
		100: attach
		100/101: attach
		100/102: attach
		100: ready
		100/102: clone 103
		100/103: exit 0
		100/101: exit 0`
	s.Attach, s.Detach = took(12, 22), took(45, 48)
	s.before = []Task{
		{TID: 100, PID: 100, State: "S (sleeping)"}, {TID: 101, PID: 100, State: "T (stopped)"},
	}
	s.released = []Task{{TID: 100, State: "S (sleeping)"}, {TID: 101, State: "T (stopped)"}}
	s.Control.Lines = []string{"process: main, thread: main/3/1", "done"}
	return s
}

// replace changes a text, which must hold what is to be changed.
func replace(text *string, from, to string) {
	if !strings.Contains(*text, from) {
		panic(fmt.Sprintf("%q is not in the sketch", from))
	}
	*text = strings.Replace(*text, from, to, 1)
}

// read has a word read at some time.
func (s *sketch) read(word string, at time.Duration) {
	if !strings.Contains(s.said, word) {
		panic(fmt.Sprintf("%q is not said in the sketch", word))
	}
	if s.readAt == nil {
		s.readAt = make(map[string]time.Duration)
	}
	s.readAt[word] = at
}

func (s *sketch) say(from, to string)       { replace(&s.said, from, to) }
func (s *sketch) kernelDid(from, to string) { replace(&s.kernel, from, to) }
func (s *sketch) declare(from, to string)   { replace(&s.wants, from, to) }

// offer gives the debugger further abilities, and withhold takes some from it.
func (s *sketch) offer(more ...Ability) {
	s.Debugger.Abilities = append(slices.Clip(s.Debugger.Abilities), more...)
}

func (s *sketch) withhold(lost ...Ability) {
	isLost := func(a Ability) bool { return slices.Contains(lost, a) }
	s.Debugger.Abilities = slices.DeleteFunc(slices.Clone(s.Debugger.Abilities), isLost)
}

// withoutAccount is the same run where the kernel refused its account.
func (s *sketch) withoutAccount() { s.kernel = "" }

// fail has the debugger end with an error.
func (s *sketch) fail(reason string) { s.End = End{State: EndFailed, Reason: reason} }

// connected is the same run with the connector in the place of perf: it knows no creators of
// threads. Each task ended with 0, but for 102, which ended with 3.
func (s *sketch) connected() {
	s.conn, s.kernel = s.kernel, ""
	thread := regexp.MustCompile(`100(/\d+)?: clone`)
	s.conn = thread.ReplaceAllString(s.conn, "100/0: clone")
	s.conn = strings.ReplaceAll(s.conn, "100/102: exit ?", "100/102: exit 3")
	s.conn = strings.ReplaceAll(s.conn, "exit ?", "exit 0")
}

// recordsIn reads an account of the kernel's.
func recordsIn(t *testing.T, account string) []Record {
	t.Helper()
	var records []Record
	for line := range strings.Lines(account) {
		at, text, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		n, err := strconv.Atoi(at)
		assert.NilError(t, err)
		e, err := event.ParseText(text)
		assert.NilError(t, err)
		records = append(records, Record{Event: e.Event, At: time.Duration(n)})
	}
	return records
}

// evidence is that of the sketch, whole.
func (s *sketch) evidence(t *testing.T) *Evidence {
	t.Helper()
	e := s.Evidence
	e.Account.Records, e.Account.Connector = recordsIn(t, s.kernel), recordsIn(t, s.conn)
	switch {
	case s.kernel != "" && s.conn != "":
		e.Account.Source = PerfAndConnector
	case s.kernel != "":
		e.Account.Source = Perf
	case s.conn != "":
		e.Account.Source = Connector
	default:
		e.Account.Source, e.Account.Reason = NoAccount, "it is refused"
	}
	for line := range strings.Lines(s.wants) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		w, err := event.ParseWant(line)
		assert.NilError(t, err)
		e.Declared.Wants = append(e.Declared.Wants, w)
	}
	trace, err := event.ParseTrace(s.said)
	assert.NilError(t, err)
	for _, said := range trace {
		e.Words = append(e.Words, Word{
			Event: said, Line: said.String(), At: s.readAt[said.String()],
		})
	}
	for _, l := range []Look{
		{
			When: BeforeAttach, At: s.Attach.Asked, Tasks: s.before, Announced: s.announced,
		},
		{When: AtKill, At: s.Detach.Asked, Tasks: s.atKill},
		{When: BeforeDetach, At: s.Detach.Asked - 2, Tasks: s.held},
		{When: AfterDetach, At: s.Detach.Complete, Tasks: s.released},
		{When: AtOverdue, At: s.Account.Cut, Tasks: s.dump},
	} {
		if l.Tasks != nil {
			e.Looks = append(e.Looks, l)
		}
	}
	return &e
}

// expected is what the fixture declares.
func (s *sketch) expected(t *testing.T) event.Expected {
	t.Helper()
	e := s.evidence(t)
	x, err := event.Expand(e.Declared.Wants, e.Declared.Params, [2]int{6, 1})
	assert.NilError(t, err)
	return x
}

// newTruth makes the truth of the sketch, without a look at what its accounts say of each other.
func (s *sketch) newTruth(t *testing.T) (*truth, error) {
	t.Helper()
	return newTruth(s.evidence(t), s.expected(t))
}

// opened is the sketch's case, which must prove something.
func (s *sketch) opened(t *testing.T) *Case {
	t.Helper()
	c := Open(s.evidence(t))
	assert.NilError(t, c.Fault())
	return c
}

// ruled applies the rule of that name.
func (s *sketch) ruled(t *testing.T, rule string) Ruling {
	t.Helper()
	r, err := RuleNamed(rule)
	assert.NilError(t, err)
	return s.opened(t).Ruling(r)
}

// A variant is a change to a good run, and what the rule then says.
type variant struct {
	name   string
	change func(*sketch)
	want   string // a part of the accusation; empty if there must be none
}

// testRule holds a good run and its variants to a rule.
func testRule(t *testing.T, rule string, good func() *sketch, variants []variant) {
	t.Helper()
	got := good().ruled(t, rule)
	assert.Equal(t, got.Verdict, Pass, "the good run, %s: %s", rule, got.Reason)
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			s := good()
			v.change(s)
			want := Fail
			if v.want == "" {
				want = Pass
			}
			got := s.ruled(t, rule)
			assert.Equal(t, got.Verdict, want, "%s: %s", rule, got.Reason)
			assert.Assert(t, strings.Contains(got.Reason, v.want), "got %q, want %q in it",
				got.Reason, v.want)
			assert.Equal(t, len(got.Violations) > 0, want == Fail)
		})
	}
}

func TestTheGoodSketchesBreakNoRule(t *testing.T) {
	for name, good := range map[string]func() *sketch{
		"launched": launched, "attached": attached, "stopped once": stoppedOnce,
		"executed": executed, "vforked": vforked,
		"orphaned": orphaned,
	} {
		for _, r := range good().opened(t).Rulings() {
			assert.Check(t, r.Verdict == Pass || r.Verdict == Unsupported, "%s: %v", name, r)
		}
	}
}
