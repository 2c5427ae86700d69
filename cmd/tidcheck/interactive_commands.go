package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

// A promptCommand is a command that the prompt knows.
type promptCommand struct {
	name, args, sentence string // args has a word for each argument
	run                  func(s *session, args []string) error
}

// promptCommands are in the order in which abbreviations are looked up: s is step. They are no
// variable, since help prints them and is one of them.
func promptCommands() []promptCommand {
	return []promptCommand{
		{"threads", "", "lists the tasks; * marks the current one", (*session).listThreads},
		{
			"thread", "[ID]", "makes a task the current one and prints where it is stopped",
			(*session).switchThread,
		},
		{"continue", "[ID]", "resumes one task, or all", (*session).resume},
		{
			"step", "[ID]", "has the task, else the current one, execute one instruction",
			(*session).step,
		},
		{"stop", "", "stops every task, as Ctrl-C does", (*session).stopAll},
		{
			"wait", "[KIND]",
			"waits for the program's end, or for an event: clone, fork, signal, exit, …",
			(*session).wait,
		},
		{
			"follow", "[threads|forks] [parent|child|both|ask]",
			"prints or changes which task is traced after a birth", (*session).follow,
		},
		{"detach", "[ID]", "detaches from one task, or from all and ends", (*session).detach},
		{"kill", "", "kills the program and ends", (*session).kill},
		{"help", "", "prints this list", (*session).help},
		{
			"quit", "",
			"ends; a launched program is killed, another is detached from. Ctrl-D does the same",
			(*session).quit,
		},
	}
}

func (s *session) help([]string) error {
	for _, c := range promptCommands() {
		s.say("%s\n        %s", strings.TrimSpace(c.name+" "+c.args), c.sentence)
	}
	s.say("An ID is a tid or a birth path, such as main/1. Commands may be shortened: c, s, t.")
	s.say("While a question is open, the next line is its answer.")
	return nil
}

// run runs one line. It prints an error as one line.
func (s *session) run(line string) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return
	}
	c, err := findCommand(words[0])
	maxWords := 1 + len(strings.Fields(c.args))
	if err == nil && len(words) > maxWords {
		err = fmt.Errorf("%s: %q is too much (help lists the arguments)",
			c.name, strings.Join(words[maxWords:], " "))
	}
	if err == nil {
		err = c.run(s, words[1:])
	}
	if err != nil && !s.over && !s.isOver() {
		s.say("%v", err)
	}
}

// isOver reports whether nothing is left to trace.
func (s *session) isOver() bool {
	select {
	case <-s.t.Done():
		return true
	default:
		return false
	}
}

func findCommand(name string) (found promptCommand, err error) {
	for _, c := range promptCommands() {
		if c.name == name {
			return c, nil
		}
		if found.name == "" && strings.HasPrefix(c.name, name) {
			found = c
		}
	}
	if found.name == "" {
		err = fmt.Errorf("there is no command %q (help lists them)", name)
	}
	return found, err
}

func isWait(line string) bool {
	words := strings.Fields(line)
	return len(words) > 0 && words[0] == "wait"
}

func (s *session) switchThread(args []string) error {
	k, err := s.find(args)
	switch {
	case err != nil:
		return err
	case k.State == tracer.Ended || k.State == tracer.KernelsOwn:
		return fmt.Errorf("%s cannot be chosen: %s", s.name(k.TID), k.State)
	}
	s.current = k.TID
	s.where(k)
	return nil
}

func (s *session) resume(args []string) error {
	if len(args) == 0 {
		clear(s.seen)
		return s.do(s.t.Resume)
	}
	k, err := s.find(args)
	switch {
	case err != nil:
		return err
	case k.State == tracer.GroupStop: // it is released and stays stopped
		err = fmt.Errorf("%s is in a group stop: it resumes at SIGCONT", s.name(k.TID))
	case k.State != tracer.Stopped:
		return fmt.Errorf("%s is not stopped: %s", s.name(k.TID), k.State)
	}
	clear(s.seen)
	return cmp.Or(s.do(func() error { return s.t.ResumeThread(int(k.TID)) }), err)
}

func (s *session) step(args []string) error {
	k, err := s.find(args)
	switch {
	case err != nil:
		return err
	case k.State != tracer.Stopped:
		return fmt.Errorf("%s cannot be stepped: %s", s.name(k.TID), k.State)
	}
	switch err := s.awaitStep(int(k.TID)); {
	case errors.Is(err, tracer.ErrEnded):
		return fmt.Errorf("task %d has ended", k.TID)
	case errors.Is(err, context.Canceled):
		s.say("interrupted")
	case err != nil:
		return err
	}
	if k, err = s.find([]string{k.TID.String()}); err == nil {
		s.where(k)
	}
	return err
}

// awaitStep has one task execute an instruction. Ctrl-C ends the wait for that.
func (s *session) awaitStep(tid int) error {
	if s.interrupt { // it came before the step began
		s.interrupt = false
		return context.Canceled
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.cancel = cancel
	defer func() { s.cancel = nil }()
	hint := time.AfterFunc(time.Second, func() {
		s.say("the task is in a system call that lasts; Ctrl-C ends the wait")
	})
	defer hint.Stop()
	return s.do(func() error { return s.t.Step(ctx, tid) })
}

func (s *session) stopAll([]string) error {
	if err := s.do(s.t.Stop); err != nil {
		return err
	}
	list, err := s.all()
	if err != nil {
		return err
	}
	stopped := 0
	var others []string
	for _, k := range list {
		switch {
		case isStopped(k):
			stopped++
		case k.State != tracer.Ended:
			others = append(others, fmt.Sprintf("%s (%s)", s.name(k.TID), k.State))
		}
	}
	text := "stopped: " + plural(stopped, "task")
	if others != nil {
		text += "; cannot be stopped: " + strings.Join(others, ", ")
	}
	s.say("%s", text)
	return nil
}

func (s *session) wait(args []string) error {
	if len(args) == 0 {
		if err := s.standstill(); err != nil {
			return err
		}
		return s.await(0)
	}
	for kind := event.Attach; kind <= event.Signal; kind++ {
		if kind.String() == args[0] {
			return s.await(kind)
		}
	}
	return fmt.Errorf("%q is not a kind of event", args[0])
}

func (s *session) follow(args []string) error {
	which := ""
	if len(args) > 0 && (args[0] == "threads" || args[0] == "forks") {
		which, args = args[0], args[1:]
	}
	if len(args) > 1 {
		return fmt.Errorf("follow: %q is neither threads nor forks", args[0])
	}
	if len(args) == 1 {
		var how tracer.Follow
		if err := how.UnmarshalText([]byte(args[0])); err != nil {
			return fmt.Errorf("follow: %w", err)
		}
		if which != "forks" {
			s.opts.Threads = how
		}
		if which != "threads" {
			s.opts.Processes = how
		}
		change := func() error { return s.t.SetFollow(s.opts.Threads, s.opts.Processes) }
		if err := s.do(change); err != nil {
			return err
		}
	}
	s.say("follow threads %s, forks %s", s.opts.Threads, s.opts.Processes)
	return nil
}

func (s *session) detach(args []string) error {
	if len(args) == 0 {
		return s.end("detached from", s.t.Detach)
	}
	k, err := s.find(args)
	if err != nil {
		return err
	}
	name := s.name(k.TID)
	if k.State == tracer.Ended || k.State == tracer.KernelsOwn {
		return fmt.Errorf("cannot detach from %s: %s", name, k.State)
	}
	if err := s.do(func() error { return s.t.DetachThread(int(k.TID)) }); err != nil {
		return err
	}
	if s.current == k.TID {
		s.current = 0
	}
	s.say("detached from %s", name)
	return nil
}

func (s *session) kill([]string) error { return s.end("killed", s.t.Kill) }

func (s *session) quit([]string) error {
	s.over = true
	return nil
}
