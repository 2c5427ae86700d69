package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

// all lists the tasks as they are now.
func (s *session) all() (list []tracer.Thread, err error) {
	err = s.do(func() error {
		list, err = s.t.Threads()
		return err
	})
	return list, err
}

// path is a task's birth path, empty if it is not known.
func (s *session) path(tid event.TID) event.Path {
	if life := s.family.Living(tid); life != nil {
		return life.Path
	}
	return ""
}

// name is a task's birth path and tid, for messages.
func (s *session) name(tid event.TID) string {
	return strings.TrimSpace(fmt.Sprintf("%s %d", s.path(tid), tid))
}

// find returns the task that a command's argument names by its tid or its birth path. Without an
// argument it is the current task.
func (s *session) find(args []string) (tracer.Thread, error) {
	list, err := s.all()
	if err != nil {
		return tracer.Thread{}, err
	}
	id := s.current.String()
	err = errors.New("the current task has ended: thread ID chooses another")
	if len(args) > 0 {
		id = args[0]
		err = fmt.Errorf("no task %q is traced (threads lists them)", id)
	}
	for _, k := range list {
		if k.TID.String() == id || k.State != tracer.Ended && string(s.path(k.TID)) == id {
			return k, nil
		}
	}
	return tracer.Thread{}, err
}

func isStopped(k tracer.Thread) bool {
	return k.State == tracer.Stopped || k.State == tracer.GroupStop
}

func (s *session) listThreads([]string) error {
	list, err := s.all()
	if err != nil {
		return err
	}
	var table strings.Builder // one write: an event may be printed meanwhile
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  path\ttid\tpid\tstate\tpc\tname")
	for _, k := range list {
		mark, pc := " ", "-"
		if k.TID == s.current {
			mark = "*"
		}
		if isStopped(k) {
			pc = fmt.Sprintf("%#x", k.PC)
		}
		path := cmp.Or(string(s.path(k.TID)), "-")
		fmt.Fprintf(w, "%s %s\t%d\t%d\t%s\t%s\t%s\n",
			mark, path, k.TID, k.PID, k.State, pc, printable(k.Name))
	}
	w.Flush()
	_, err = io.WriteString(s.out, table.String())
	return err
}

// printable replaces what could control the terminal: a program may give itself any name.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, name)
}

// where prints what a task does now.
func (s *session) where(k tracer.Thread) {
	name := s.name(k.TID)
	switch k.State {
	case tracer.Stopped:
		s.say("%s is stopped at %#x", name, k.PC)
	case tracer.GroupStop:
		s.say("%s is stopped at %#x, in a group stop, which SIGCONT ends", name, k.PC)
	default:
		s.say("%s: %s", name, k.State)
	}
}
