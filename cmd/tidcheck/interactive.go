package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

// A console is where a prompt reads and writes: a terminal whose lines are edited, or a pipe. Its
// out is written to by several goroutines.
type console struct {
	out     io.Writer
	read    func() (string, error) // the next line
	prompt  func(string)           // what stands before that
	restore func()
}

// A session is one program under the prompt. One goroutine runs the commands; the tracer's own thread prints
// events, and sleeps in choose while the user is asked.
type session struct {
	*console
	t        *tracer.Tracer
	launched bool

	lines     chan string     // closed at the end of input
	wanted    chan struct{}   // the next line is to be read
	reading   bool            // it is being read
	signals   chan os.Signal  // Ctrl-C, and what ends us
	questions chan question   // births to decide on
	cancel    func()          // ends the step that is waited for; else nil
	pending   string          // a wait that was read while a birth asked
	interrupt bool            // Ctrl-C came and is to be acted on
	over      bool            // the user wants an end: nothing is asked any more
	left      bool            // the program was killed or let go
	threads   tracer.Follow   // whom to follow
	processes tracer.Follow   // likewise
	ended     <-chan struct{} // nothing is left to trace

	mu      sync.Mutex
	family  event.Family
	found   int                // tasks that an attach found
	current int                // the current task's tid; zero if it has ended
	stopped bool               // a signal came that stops a process, since the last look
	seen    map[event.Kind]int // events since the last continue that no wait has taken
	news    chan struct{}      // has a value after an event
}

// A question is a birth, and whom to follow is its answer.
type question struct {
	birth  event.Event
	answer chan<- tracer.Follow
}

const ready = "(tidcheck) "

// interact traces a program under a prompt and returns the status to end with.
func interact(c *console, pid int, argv []string, opts tracer.Options) (int, error) {
	s := &session{
		console: c, launched: argv != nil, threads: opts.Threads, processes: opts.Processes,
		lines: make(chan string), wanted: make(chan struct{}, 1),
		signals: make(chan os.Signal, 8), questions: make(chan question),
		seen: make(map[event.Kind]int), news: make(chan struct{}, 1),
	}
	s.family.Forgetful = true
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(s.signals)
	opts.Events, opts.Ask = s.event, s.choose
	if err := s.begin(pid, argv, opts); err != nil {
		return harnessError, err
	}
	go s.readLines()
	s.prompt(ready)
	defer s.prompt("")
	return s.loop()
}

// begin has the program stand at its start, or where it was met, and says so.
func (s *session) begin(pid int, argv []string, opts tracer.Options) (err error) {
	if s.launched {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr // and no input, which is the prompt's
		cmd.SysProcAttr = ownGroup()
		s.t, err = tracer.Launch(cmd, opts)
	} else {
		s.t, err = tracer.Attach(pid, opts)
	}
	if err != nil {
		return err
	}
	s.ended = s.t.Done()
	s.current = s.t.PID()
	if s.launched {
		s.say("process %d stands at its start (help lists the commands)", s.t.PID())
	} else {
		s.say("attached to process %d: %s found, which stand (help lists the commands)", s.t.PID(), plural(s.found, "task"))
	}
	return nil
}

func (s *session) readLines() {
	defer close(s.lines)
	for range s.wanted {
		line, err := s.read()
		if err != nil {
			return
		}
		s.lines <- line
	}
}

// input is where the next line will come from, which is now read.
func (s *session) input() <-chan string {
	if !s.reading {
		s.reading = true
		s.wanted <- struct{}{}
	}
	return s.lines
}

// loop runs commands until the user or the program ends.
func (s *session) loop() (int, error) {
	for {
		switch {
		case s.left:
			return asExpected, nil
		case s.isOver():
			return s.finish()
		case s.over:
			if err := s.leave(); err != nil {
				return harnessError, err
			}
			continue
		case s.interrupt:
			s.pending = ""
			s.run("stop")
			s.interrupt = false // only now: births on the way to the stop ask nothing
			continue
		case s.pending != "":
			line := s.pending
			s.pending = ""
			s.run(line)
			continue
		}
		select {
		case <-s.ended:
			return s.finish()
		case q := <-s.questions:
			s.ask(q)
		case sig := <-s.signals:
			s.signalled(sig)
		case line, ok := <-s.input():
			s.reading = false
			if !ok {
				s.over = true
				continue
			}
			s.run(line)
		}
	}
}

// signalled takes note of a signal. Ctrl-C ends a step that lasts, or stops the program.
func (s *session) signalled(sig os.Signal) {
	switch {
	case sig != os.Interrupt:
		s.over = true
	case s.cancel == nil:
		s.interrupt = true
	}
	if s.cancel != nil {
		s.cancel()
	}
}

// do has the tracer do something. A birth may ask meanwhile, and signals come.
func (s *session) do(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	for {
		select {
		case err := <-done:
			return err
		case q := <-s.questions:
			s.ask(q)
		case sig := <-s.signals:
			s.signalled(sig)
		}
	}
}

// choose is called on the tracer's thread, and asks the user.
func (s *session) choose(birth event.Event) tracer.Follow {
	defer s.tidy()
	answer := make(chan tracer.Follow, 1)
	s.questions <- question{birth, answer}
	return <-answer
}

// ask has the next line be the answer to a question. An end of the input follows both, and so does
// Ctrl-C, which stops the program then.
func (s *session) ask(q question) {
	how := tracer.FollowBoth
	defer func() { q.answer <- how }()
	if s.over || s.interrupt {
		return
	}
	s.prompt("p, c or b? ")
	defer s.prompt(ready)
	s.say("%s made %s: follow the parent (p), the child (c) or both (b)?", s.name(int(q.birth.TID)), s.name(int(q.birth.Child)))
	answers := map[string]tracer.Follow{"p": tracer.FollowParent, "c": tracer.FollowChild, "b": tracer.FollowBoth}
	for {
		select {
		case sig := <-s.signals:
			s.signalled(sig)
			return
		case line, ok := <-s.input():
			s.reading = false
			if !ok {
				s.over = true
				return
			}
			if isWait(line) {
				s.pending = line // of a script, which cannot know whether the birth comes first
				continue
			}
			if how, ok = answers[strings.TrimSpace(line)]; ok {
				return
			}
			s.say("%q is no answer: p, c or b", line)
		}
	}
}

// leave ends it as the user wants: a launched program is killed, an attached one is let go.
func (s *session) leave() error {
	if s.launched {
		return s.end("killed", s.t.Kill)
	}
	return s.end("let go of", s.t.Detach)
}

// end ends the tracing, and says how.
func (s *session) end(how string, f func() error) error {
	s.over = true
	err := s.do(f)
	switch {
	case errors.Is(err, tracer.ErrEnded):
		return nil // of itself
	case err == nil:
		s.left = true
		s.prompt("")
		s.say("%s process %d", how, s.t.PID())
	}
	return err
}

// finish says how the program ended of itself.
func (s *session) finish() (int, error) {
	status, err := s.t.Wait()
	s.prompt("")
	switch {
	case err != nil:
		return harnessError, err
	case status == event.Unknown:
		s.say("nothing is left to trace")
	case status.Signal() != 0:
		s.say("process %d was killed by %v", s.t.PID(), status)
	default:
		s.say("process %d ended with status %v", s.t.PID(), status)
	}
	return exitStatus(status), nil
}

func (s *session) say(format string, args ...any) {
	fmt.Fprintf(s.out, format+"\n", args...)
}

// step has one task execute an instruction; Ctrl-C ends the wait for it.
func (s *session) step(tid int) error {
	if s.interrupt { // it came before the step began
		s.interrupt = false
		return context.Canceled
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.cancel = cancel
	defer func() { s.cancel = nil }()
	hint := time.AfterFunc(time.Second, func() { s.say("the step lasts, in a system call; Ctrl-C ends the wait") })
	defer hint.Stop()
	return s.do(func() error { return s.t.Step(ctx, tid) })
}
