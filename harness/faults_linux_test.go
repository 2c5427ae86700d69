package harness_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/reference"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"gotest.tools/v3/assert"
)

// Errors of debuggers, as package adapter has them.
type (
	refusal bool // its Refuses
	unknown string
)

func (refusal) Error() string   { return "it is traced" }
func (r refusal) Refuses() bool { return bool(r) }
func (u unknown) Error() string { return "line 7: " + string(u) }
func (unknown) OurFault()       {}

// A faulty debugger fails in one of its calls. It debugs nothing.
type faulty struct {
	reference.Debugger
	start   error
	session *faultySession // beside the error of start, or in place of the reference's
}

func (d faulty) Start(ctx context.Context, t harness.Target) (harness.Session, error) {
	if d.start != nil && d.session == nil {
		return nil, d.start
	}
	if d.start != nil {
		return d.session, d.start
	}
	s, err := d.Debugger.Start(ctx, t)
	if err != nil || d.session == nil {
		return s, err
	}
	session := *d.session // each start has its own: a call of the run before may still return
	session.Session = s
	return &session, nil
}

type faultySession struct {
	harness.Session
	lacks     judge.Ability // what it does not offer
	stop, end error
}

func (s *faultySession) Can() judge.Abilities {
	var can judge.Abilities
	if s.Session == nil {
		return can
	}
	for _, a := range s.Session.Can() {
		if a != s.lacks {
			can = append(can, a)
		}
	}
	return can
}

func (s *faultySession) Stop(ctx context.Context) error {
	if s.stop != nil {
		return s.stop
	}
	return s.Session.Stop(ctx)
}

func (s *faultySession) Words() judge.Words {
	if s.Session == nil {
		return nil
	}
	return s.Session.Words()
}

func (s *faultySession) Version() string { return "" }

func (s *faultySession) End() error {
	if s.Session == nil {
		return s.end
	}
	return errors.Join(s.end, s.Session.End())
}

// A right refusal is an error that says so, or that has no session. After it the debugger has to
// end in order.
func TestARefusalIsClearAndOrderly(t *testing.T) {
	const taken, idle = "attach_one_taken/attach_before", "attach_idle/attach_before"
	crash := errors.New("it ended with SIGSEGV")
	for name, c := range map[string]struct {
		d        faulty
		scenario string
		want     judge.Verdict
		detail   string
	}{
		"with a session": {
			faulty{start: refusal(true), session: &faultySession{}},
			taken,
			judge.Pass, "it refused, since another tracer has a part of the program: it is traced",
		},
		"without one":    {faulty{start: refusal(true)}, taken, judge.Pass, "it is traced"},
		"without a word": {faulty{start: errors.New("no")}, taken, judge.Pass, ": no"},
		"without a reason": {
			faulty{start: refusal(true), session: &faultySession{}},
			idle,
			judge.Fail, "the debugger's start: it is traced",
		},
		"an error that is none": {
			faulty{start: refusal(false)}, taken, judge.Fail, "the debugger's start: it is traced",
		},
		"a crash": {
			faulty{start: crash, session: &faultySession{}},
			taken,
			judge.Fail, "the debugger's start: it ended with SIGSEGV",
		},
		"a crash after it": {
			faulty{start: refusal(true), session: &faultySession{end: crash}},
			taken,
			judge.Fail, "the debugger's end after its refusal: it ended with SIGSEGV",
		},
		"it can attach to nothing": {
			faulty{start: fmt.Errorf("attach: %w", errors.ErrUnsupported)},
			taken,
			judge.Unsupported, "attach: unsupported",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ruled(t, c.d, c.scenario, "session", c.want, c.detail)
		})
	}
}

// ruled sees that a rule has a verdict, and words of its detail.
func ruled(
	t *testing.T, d harness.Debugger, name, rule string, want judge.Verdict, detail string,
) {
	t.Helper()
	for _, r := range harness.RunWithin(t, d, scenario(t, name), harness.Limit) {
		if r.Rule != rule {
			continue
		}
		assert.Check(t, r.Verdict == want, "%s: %s", r.Verdict, r.Detail)
		assert.Check(t, strings.Contains(r.Detail, detail), "got %q, want %q", r.Detail, detail)
	}
}

// What is unsupported is no failure if it is not offered. What is offered has to be there.
func TestWhatIsOfferedIsNotUnsupported(t *testing.T) {
	const stops = "attach_idle/stops"
	unsupported := fmt.Errorf("stop: %w", errors.ErrUnsupported)
	for name, c := range map[string]struct {
		d    faulty
		want judge.Verdict
	}{
		"not offered": {
			faulty{session: &faultySession{lacks: judge.Stop}}, judge.Unsupported,
		},
		"offered": {faulty{session: &faultySession{stop: unsupported}}, judge.Fail},
		"a start beside a session": {
			faulty{start: unsupported, session: &faultySession{}}, judge.Fail,
		},
		"a start": {faulty{start: unsupported}, judge.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ruled(t, c.d, stops, "session", c.want, "stop: unsupported operation")
		})
	}
}

// Nine attaches of ten may not say nonsense.
func TestEachAttachOfManyIsHeldToItsWords(t *testing.T) {
	const again = "attach_idle/attach_again"
	for n, want := range map[int]judge.Verdict{2: judge.Fail, 9: judge.Fail, -1: judge.Pass} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			attaches := 0
			d := reference.Debugger{Sink: func(tell func(event.Event)) func(event.Event) {
				attaches++
				if attaches == n {
					tell(event.Event{Kind: event.Attach, PID: 1, TID: 1})
				}
				return tell
			}}
			detail := ""
			if want == judge.Fail {
				detail = fmt.Sprintf("reported at attach %d: ", n)
			}
			ruled(t, d, again, "sound", want, detail)
		})
	}
}

// What an adapter does not understand is the suite's fault, wherever it comes.
func TestWhatAnAdapterDoesNotUnderstandIsUnresolved(t *testing.T) {
	const word = unknown("what is that?")
	for name, d := range map[string]faulty{
		"at the start": {start: word}, "at a stop": {session: &faultySession{stop: word}},
		"at the end": {session: &faultySession{end: fmt.Errorf("it failed: %w", word)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, rule := range []string{"session", "complete", "bounded"} {
				ruled(t, d, "attach_idle/stops", rule, judge.Unresolved, "line 7: what is that?")
			}
		})
	}
}
