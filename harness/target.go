package harness

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/keeper"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/transcript"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/witness"
)

// A Spec is a program to start.
type Spec = keeper.Spec

// A Process was started for a target, and is held before its exec until Release.
type Process = keeper.Process

// A Target is the program that a debugger is to launch or to attach to.
type Target struct {
	PID  int      // the process to attach to, zero to launch
	Argv []string // the program's absolute path and its arguments
	Env  []string // the environment of the program and of the debugger

	keeper *keeper.Keeper
	log    *transcript.Log // nil if it is not kept
	scale  limits.Scale
	said   *atomic.Int64 // counts Note; nil in a test of an adapter
}

// Start starts a program below the run's keeper, so that it cannot outlive the run and the kernel's
// account covers it. It is held before its exec until Release. Debuggers are started in no other
// way.
func (t Target) Start(spec Spec) (*Process, error) {
	if spec.Env == nil {
		spec.Env = t.Env
	}
	return t.keeper.Start(spec)
}

// Home is an empty folder for the debugger of this run alone, which goes with the run.
func (t Target) Home() (string, error) { return t.keeper.Home() }

// IsolatedEnv is Env with Home as its home and no user configuration: the debugger speaks English
// and fetches no debug information.
func (t Target) IsolatedEnv() ([]string, error) {
	home, err := t.Home()
	if err != nil {
		return nil, err
	}
	env := slices.DeleteFunc(slices.Clone(t.Env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "XDG_") || strings.HasPrefix(name, "LC_") ||
			name == "DEBUGINFOD_URLS" || name == "LANGUAGE"
	})
	return append(env, "HOME="+home, "TMPDIR="+home, "XDG_CONFIG_HOME="+home,
		"XDG_CACHE_HOME="+home, "LC_ALL=C.UTF-8", "TERM=dumb"), nil
}

// Scaled is a time limit on this machine: it is multiplied by --time-scale.
func (t Target) Scaled(limit time.Duration) time.Duration { return t.scale.Of(limit) }

// Note keeps what was said with the run, in its protocol.log. The sign says by which side: > is to
// the debugger, < from it, ! on its standard error, $ its command.
func (t Target) Note(sign byte, said []byte) {
	if t.said != nil {
		t.said.Add(1)
	}
	t.log.Note(sign, said)
}

// A Log is what a debugger has told so far; a session embeds it for its Words. Its zero value is
// empty.
type Log struct {
	mu    sync.Mutex
	words judge.Words
	line  string
	at    time.Duration // when line was read; zero if the debugger has no lines
}

// Hear notes the line, packet or message that the next events are read from.
func (l *Log) Hear(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line, l.at = string(line[:min(len(line), judge.MaxLine)]), witness.Now()
}

// Add notes an event as the debugger told it.
func (l *Log) Add(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := cmp.Or(l.at, witness.Now())
	l.words = append(l.words, judge.Word{Event: e, At: at, Line: l.line})
}

// Words is what was noted so far.
func (l *Log) Words() judge.Words {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.words)
}
