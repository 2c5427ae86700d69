package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

// A console is where a prompt reads and writes: a terminal on which lines are edited, or a pipe.
type console struct {
	out     io.Writer              // several goroutines may write to it
	read    func() (string, error) // returns the next line
	prompt  func(string)           // sets the text before that line
	restore func()
}

// A session is one program under the prompt. It belongs to one goroutine, which runs the commands.
// The tracer's thread and the signals' goroutine have it act by functions that it calls: it prints
// each event, and the tracer waits in choose while a question is answered.
type session struct {
	*console
	traceTarget
	opts tracer.Options // Threads and Processes as the user last changed them
	t    *tracer.Tracer

	lines     chan string // lines that input asked for
	reading   bool        // input has asked for a line that has not come
	acts      chan func() // what other goroutines have this one do: events, questions and signals
	cancel    func()      // ends the step that the prompt waits for; nil if there is none
	pending   string      // a wait that was read while a question was open
	interrupt bool        // Ctrl-C came, and the program is not stopped yet
	over      bool        // the user wants an end: no more questions are asked
	left      bool        // the program was killed or detached from

	family   event.Family
	found    int                // tasks that an attach found
	current  event.TID          // the current task; zero if it has ended
	seen     map[event.Kind]int // events since the last continue that no wait has taken
	look     <-chan time.Time   // when await next looks for a group stop; nil if it need not
	interval time.Duration      // how long that look was waited for
}

const ready = "(tidcheck) "

// interact traces a program under a prompt. It returns the exit status of tidcheck.
func interact(c *console, what traceTarget, opts tracer.Options) (status int, err error) {
	s := &session{
		console: c, traceTarget: what, opts: opts,
		lines: make(chan string), acts: make(chan func()), seen: make(map[event.Kind]int),
	}
	s.family.Forgetful = true
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	go func() {
		for sig := range signals {
			s.acts <- func() { s.signalled(sig) }
		}
	}()
	s.opts.Events = func(e event.Event) { s.acts <- func() { s.event(e) } }
	s.opts.Ask = s.choose
	if err := s.begin(); err != nil {
		return 0, err
	}
	s.prompt(ready)
	defer s.prompt("")
	return s.loop()
}

// begin launches the program or attaches to it. The program is stopped then.
func (s *session) begin() error {
	err := s.do(func() (err error) {
		// The program has no standard input: that is the prompt's.
		s.t, err = s.trace(s.opts, nil, ownGroup())
		return err
	})
	if err != nil {
		return err
	}
	s.current = event.TID(s.t.PID())
	if s.isLaunched() {
		s.say("process %d is stopped at its start (help lists the commands)", s.current)
	} else {
		s.say("attached to process %d: %s found and stopped (help lists the commands)",
			s.current, plural(s.found, "task"))
	}
	return nil
}

// input asks for the next line, unless that was done, and returns the channel that it comes from.
// The end of input is told as a terminal tells its own end, by SIGHUP.
func (s *session) input() <-chan string {
	if !s.reading {
		s.reading = true
		go func() {
			if line, err := s.read(); err == nil {
				s.lines <- line
			} else {
				s.acts <- func() { s.signalled(syscall.SIGHUP) }
			}
		}()
	}
	return s.lines
}

// loop runs commands until the user ends the session or the program has ended. The user's end kills
// a launched program and detaches from another.
func (s *session) loop() (status int, err error) {
	for !s.isOver() {
		switch {
		case s.over:
			leave := s.detach
			if s.isLaunched() {
				leave = s.kill
			}
			if err := leave(nil); err != nil {
				return 0, err
			}
		case s.interrupt:
			s.pending = ""
			s.run("stop")
			s.interrupt = false // only now: births on the way to the stop ask nothing
		case s.pending != "":
			line := s.pending
			s.pending = ""
			s.run(line)
		default:
			s.next()
		}
	}
	if s.left {
		return asExpected, nil
	}
	return s.finish()
}

// next waits for whatever comes first, and acts on it.
func (s *session) next() {
	select {
	case <-s.t.Done():
	case act := <-s.acts:
		act()
	case line := <-s.input():
		s.reading = false
		s.run(line)
	}
}

// signalled notes a signal. Ctrl-C ends a step that the prompt waits for, or else stops the
// program.
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

// do calls the tracer, and acts for other goroutines until that is done.
func (s *session) do(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	for {
		select {
		case err := <-done:
			return err
		case act := <-s.acts:
			act()
		}
	}
}

// choose asks the user which tasks of a birth to follow. The tracer calls it on its own thread.
func (s *session) choose(birth event.Event) tracer.Follow {
	answer := make(chan tracer.Follow, 1)
	s.acts <- func() { answer <- s.ask(birth) }
	return <-answer
}

// ask takes the answer to a question from the next line. The end of input means both, and so does
// Ctrl-C, which then stops the program.
func (s *session) ask(birth event.Event) tracer.Follow {
	if s.over || s.interrupt {
		return tracer.FollowBoth
	}
	s.prompt("p, c or b? ")
	defer s.prompt(ready)
	s.say("%s made %s: follow the parent (p), the child (c) or both (b)?",
		s.name(birth.TID), s.name(birth.Child))
	answers := map[string]tracer.Follow{
		"p": tracer.FollowParent, "c": tracer.FollowChild, "b": tracer.FollowBoth,
	}
	for {
		select {
		case act := <-s.acts: // a signal: the tracer waits, and asks nothing else
			act()
			return tracer.FollowBoth
		case line := <-s.input():
			s.reading = false
			if isWait(line) {
				s.pending = line // a script cannot know whether the wait or the birth comes first
				continue
			}
			if answer, ok := answers[strings.TrimSpace(line)]; ok {
				return answer
			}
			s.say("%q is not an answer: write p, c or b", line)
		}
	}
}

// end ends the tracing by one of the tracer's requests, and prints what was done.
func (s *session) end(done string, request func() error) error {
	s.over = true
	err := s.do(request)
	switch {
	case errors.Is(err, tracer.ErrEnded):
		return nil // the program ended by itself
	case err == nil:
		s.left = true
		s.prompt("")
		s.say("%s process %d", done, s.t.PID())
	}
	return err
}

// finish prints how the program ended by itself, and returns its status.
func (s *session) finish() (int, error) {
	status, err := s.t.Wait()
	s.prompt("")
	switch {
	case err != nil:
		return 0, err
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
