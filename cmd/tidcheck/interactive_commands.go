package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

// A promptCommand is one that the prompt knows.
type promptCommand struct {
	name, args, sentence string
	most                 int // arguments
	run                  func(s *session, args []string) error
}

// promptCommands are in the order in which abbreviations are looked up: s is step.
var promptCommands []promptCommand

func init() { // help, which is one of them, prints them
	promptCommands = []promptCommand{
		{"threads", "", "lists the tasks; * is the current one", 0, (*session).listThreads},
		{"thread", "[ID]", "makes a task the current one, and says where it stands", 1, (*session).switchThread},
		{"continue", "[ID]", "lets a task go on, or all", 1, (*session).resume},
		{"step", "[ID]", "has a stopped task, else the current one, execute one instruction; Ctrl-C ends the wait", 1, (*session).stepThread},
		{"stop", "", "stops every task, as Ctrl-C does", 0, (*session).stopAll},
		{"wait", "[KIND]", "waits until the program ends, or for an event: clone, fork, signal, exit, …", 1, (*session).wait},
		{"follow", "[threads|forks] [parent|child|both|ask]", "says whom to follow at births, or changes it", 2, (*session).follow},
		{"detach", "[ID]", "lets go of a task, or of all and ends", 1, (*session).detach},
		{"kill", "", "kills the program and ends", 0, (*session).kill},
		{"help", "", "prints this", 0, (*session).help},
		{"quit", "", "ends: a launched program is killed, one attached to is let go. So does Ctrl-D", 0, (*session).quit},
	}
}

// run runs one line. What is wrong with it is said in one.
func (s *session) run(line string) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return
	}
	c, err := findCommand(words[0])
	if err == nil && len(words)-1 > c.most {
		err = fmt.Errorf("%s: %q is too much (help)", c.name, strings.Join(words[1+c.most:], " "))
	}
	if err == nil {
		err = c.run(s, words[1:])
	}
	if err != nil && !s.over && !s.isOver() {
		s.say("%v", err)
	}
}

func (s *session) isOver() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

func findCommand(name string) (promptCommand, error) {
	i := slices.IndexFunc(promptCommands, func(c promptCommand) bool { return c.name == name })
	if i < 0 {
		i = slices.IndexFunc(promptCommands, func(c promptCommand) bool { return strings.HasPrefix(c.name, name) })
	}
	if i < 0 {
		return promptCommand{}, fmt.Errorf("there is no command %q (help has them)", name)
	}
	return promptCommands[i], nil
}

func isWait(line string) bool {
	words := strings.Fields(line)
	return len(words) > 0 && words[0] == "wait"
}

// all are the tasks as they are now.
func (s *session) all() (list []tracer.Thread, err error) {
	err = s.do(func() error {
		list, err = s.t.Threads()
		return err
	})
	return list, err
}

// path is a task's birth path, empty if nobody knows it.
func (s *session) path(tid int) event.Path {
	s.mu.Lock()
	defer s.mu.Unlock()
	if life := s.family.Living(event.TID(tid)); life != nil {
		return life.Path
	}
	return ""
}

func (s *session) name(tid int) string {
	return strings.TrimSpace(fmt.Sprintf("%s %d", s.path(tid), tid))
}

func (s *session) currentTID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

var errNoCurrent = errors.New("the current task has ended: thread ID chooses another")

// find is the task that an id means: a tid or a birth path, or without one the current task.
func (s *session) find(args []string) (tracer.Thread, error) {
	list, err := s.all()
	if err != nil {
		return tracer.Thread{}, err
	}
	current := s.currentTID()
	if len(args) == 0 && current == 0 {
		return tracer.Thread{}, errNoCurrent
	}
	for _, k := range list {
		tid := int(k.TID)
		switch {
		case len(args) == 0 && tid == current, len(args) > 0 && strconv.Itoa(tid) == args[0],
			len(args) > 0 && k.State != tracer.Ended && string(s.path(tid)) == args[0]:
			return k, nil
		}
	}
	if len(args) == 0 {
		return tracer.Thread{}, errNoCurrent
	}
	return tracer.Thread{}, fmt.Errorf("no task %q is traced (threads lists them)", args[0])
}

func stands(k tracer.Thread) bool { return k.State == tracer.Stopped || k.State == tracer.GroupStop }

func (s *session) listThreads([]string) error {
	list, err := s.all()
	if err != nil {
		return err
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  path\ttid\tpid\tstate\tpc\tname")
	for _, k := range list {
		mark, pc := " ", "-"
		if int(k.TID) == s.currentTID() {
			mark = "*"
		}
		if stands(k) {
			pc = fmt.Sprintf("%#x", k.PC)
		}
		fmt.Fprintf(w, "%s %s\t%d\t%d\t%s\t%s\t%s\n", mark, cmp.Or(string(s.path(int(k.TID))), "-"), k.TID, k.PID, k.State, pc, printable(k.Name))
	}
	w.Flush()
	s.say("%s", strings.TrimSuffix(b.String(), "\n"))
	return nil
}

// printable keeps a terminal from what a program calls itself.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, name)
}

// where says what a task does now.
func (s *session) where(k tracer.Thread) {
	name := s.name(int(k.TID))
	switch k.State {
	case tracer.Stopped:
		s.say("%s stands at %#x", name, k.PC)
	case tracer.GroupStop:
		s.say("%s stands at %#x, in a group stop: SIGCONT ends it", name, k.PC)
	default:
		s.say("%s: %s", name, k.State)
	}
}

func (s *session) switchThread(args []string) error {
	k, err := s.find(args)
	switch {
	case err != nil:
		return err
	case k.State == tracer.Ended || k.State == tracer.KernelsOwn:
		return fmt.Errorf("%s cannot be chosen: %s", s.name(int(k.TID)), k.State)
	}
	s.mu.Lock()
	s.current = int(k.TID)
	s.mu.Unlock()
	s.where(k)
	return nil
}

func (s *session) resume(args []string) error {
	if len(args) == 0 {
		s.forgetNews()
		return s.do(s.t.Resume)
	}
	k, err := s.find(args)
	switch {
	case err != nil:
		return err
	case k.State == tracer.GroupStop:
		err = fmt.Errorf("%s is in a group stop: it goes on when the program gets SIGCONT", s.name(int(k.TID)))
	case k.State != tracer.Stopped:
		return fmt.Errorf("%s does not stand: %s", s.name(int(k.TID)), k.State)
	}
	s.forgetNews()
	return cmp.Or(s.do(func() error { return s.t.ResumeThread(int(k.TID)) }), err)
}

// forgetNews has wait look only at what happens from now on.
func (s *session) forgetNews() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.seen)
}

func (s *session) stepThread(args []string) error {
	k, err := s.find(args)
	switch {
	case err != nil:
		return err
	case k.State != tracer.Stopped:
		return fmt.Errorf("%s cannot be stepped: %s", s.name(int(k.TID)), k.State)
	}
	id := []string{strconv.Itoa(int(k.TID))}
	switch err := s.step(int(k.TID)); {
	case errors.Is(err, tracer.ErrEnded):
		return fmt.Errorf("task %d has ended", k.TID)
	case errors.Is(err, context.Canceled):
		s.say("interrupted")
	case err != nil:
		return err
	}
	k, err = s.find(id)
	if err == nil {
		s.where(k)
	}
	return err
}

func (s *session) stopAll([]string) error {
	if err := s.do(s.t.Stop); err != nil {
		return err
	}
	list, err := s.all()
	if err != nil {
		return err
	}
	standing := 0
	var others []string
	for _, k := range list {
		switch {
		case stands(k):
			standing++
		case k.State != tracer.Ended:
			others = append(others, fmt.Sprintf("%s (%s)", s.name(int(k.TID)), k.State))
		}
	}
	if len(others) > 0 {
		s.say("stopped: %s; cannot stop: %s", plural(standing, "task"), strings.Join(others, ", "))
		return nil
	}
	s.say("stopped: %s", plural(standing, "task"))
	return nil
}

func (s *session) wait(args []string) error {
	var kind event.Kind
	if len(args) > 0 {
		for k := event.Attach; k <= event.Signal; k++ {
			if k.String() == args[0] {
				kind = k
			}
		}
		if kind == 0 {
			return fmt.Errorf("%q is no kind of event", args[0])
		}
	}
	if kind == 0 {
		if err := s.standstill(); err != nil {
			return err
		}
	}
	return s.await(kind)
}

func (s *session) follow(args []string) error {
	threads, processes := &s.threads, &s.processes
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
			*threads = how
		}
		if which != "threads" {
			*processes = how
		}
		if err := s.do(func() error { return s.t.SetFollow(*threads, *processes) }); err != nil {
			return err
		}
	}
	s.say("follow threads %s, forks %s", *threads, *processes)
	return nil
}

func (s *session) detach(args []string) error {
	if len(args) == 0 {
		return s.end("let go of", s.t.Detach)
	}
	k, err := s.find(args)
	if err != nil {
		return err
	}
	name := s.name(int(k.TID))
	if k.State == tracer.Ended || k.State == tracer.KernelsOwn {
		return fmt.Errorf("%s cannot be let go of: %s", name, k.State)
	}
	if err := s.do(func() error { return s.t.DetachThread(int(k.TID)) }); err != nil {
		return err
	}
	s.mu.Lock()
	if s.current == int(k.TID) {
		s.current = 0
	}
	s.mu.Unlock()
	s.say("let go of %s", name)
	return nil
}

func (s *session) kill([]string) error { return s.end("killed", s.t.Kill) }

func (s *session) quit([]string) error {
	s.over = true
	return nil
}

func (s *session) help([]string) error {
	var b strings.Builder
	for _, c := range promptCommands {
		fmt.Fprintf(&b, "%s\n        %s\n", strings.TrimSpace(c.name+" "+c.args), c.sentence)
	}
	b.WriteString("An ID is a tid or a birth path, as main/1. A command may be shortened: c, s, t.\n")
	b.WriteString("An empty line repeats nothing. While a birth asks, the next line is the answer.")
	s.say("%s", b.String())
	return nil
}
