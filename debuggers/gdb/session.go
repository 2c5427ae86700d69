package gdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/limits"
	"github.com/tidcheck/tidcheck/internal/mi"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/judge"
)

type session struct {
	harness.Unsupported
	harness.Log
	*adapter.Tool
	requests adapter.Requests[mi.Record]
	nonStop  bool

	// turn is held while gdb is told to stop the program or to let it go on.
	turn sync.Mutex

	adapter.Monitor // guards what follows
	words
	goes    bool   // the program is to run
	unasked []stop // stops that no request caused: the program goes on from them if it is to run
	trouble error  // why that failed
}

func newSession(nonStop, attached bool) *session {
	s := &session{nonStop: nonStop}
	s.words = newWords(attached, s.Add)
	return s
}

// Can leaves out creators and signals: gdb names no creator, and a signal only if it is to stop
// for it or to print it.
func (s *session) Can() judge.Abilities {
	return judge.Abilities{
		judge.Births, judge.Deaths, judge.Statuses, judge.Execs,
		judge.Stop, judge.Threads, judge.Detach,
	}
}

// attend lets the program go on after stops that no request caused, until gdb's output ends.
func (s *session) attend() {
	ctx := context.Background()
	for s.Await(ctx, s.Tool, func() bool { return s.goes && len(s.unasked) > 0 }) == nil {
		s.turn.Lock()
		var stops []stop // none if a stop was asked for meanwhile
		if s.isToRun() {
			stops = s.takeUnasked()
		}
		for _, by := range stops {
			signal, err := s.ownSignal(ctx, by)
			if err == nil {
				err = s.goOn(ctx, by.thread, signal)
			}
			if err != nil {
				s.Lock()
				s.trouble = fmt.Errorf("let the program go on after a stop: %w", err)
				s.Unlock()
			}
		}
		s.turn.Unlock()
	}
}

// goOn lets what stands since a thread's stop go on: in non-stop mode that one thread, else all, by
// way of a thread that gdb is to be told. The thread is given a signal, unless that is empty. It is
// no failure if what stood goes on already, or ended before gdb read the command.
func (s *session) goOn(ctx context.Context, thread int, signal string) error {
	var err error
	tried := make(map[int]bool)
	for {
		n := s.next(thread, tried)
		if n == 0 {
			return err
		}
		tried[n] = true
		named := []string{"--thread", strconv.Itoa(n)}
		var refused error
		if signal != "" && n == thread {
			// Without the & gdb reads no commands until the thread stops.
			refused = s.console(ctx, "signal "+signal+" &", named...)
		} else {
			_, refused = s.ask(ctx, "-exec-continue", named...)
		}
		if !isRefused(refused) {
			return refused
		}
		if s.waits(n) {
			err = refused
		}
	}
}

// ownSignal is the signal of the program's own that a stop is for, and that gdb would keep; empty
// if there is none. The SIGINT of an interrupt is gdb's, and gdb is the tracer: siginfo names the
// sender. One that the program sends while gdb's is pending has become one with it, and is lost.
func (s *session) ownSignal(ctx context.Context, by stop) (string, error) {
	if !by.isForKeptSignal() {
		return "", nil
	}
	if by.signal != "SIGINT" {
		return by.signal, nil
	}
	r, err := s.ask(ctx, "-data-evaluate-expression", "--thread", strconv.Itoa(by.thread),
		"$_siginfo._sifields._kill.si_pid")
	if isRefused(err) {
		return "", nil // the thread has ended, or goes on already
	}
	s.Lock()
	defer s.Unlock()
	t, lives := s.threads[by.thread]
	if err != nil || !lives {
		return "", err
	}
	task, _ := procfs.ReadTask(t.group.pid, t.tid)
	sender := r.Tuple.Text("value")
	if sender == "0" || sender == procfs.TGID(task.Tracer).String() { // 0: of another pid namespace
		return "", nil
	}
	return by.signal, nil
}

// next is a thread by way of which what stands can go on, zero if there is none: the first one,
// whose stop it was, or in all-stop mode any that was not tried yet.
func (s *session) next(first int, tried map[int]bool) int {
	if s.waits(first) && !tried[first] {
		return first
	}
	s.Lock()
	defer s.Unlock()
	if s.nonStop || !s.stands {
		return 0
	}
	for _, n := range s.live() {
		if !tried[n] {
			return n
		}
	}
	return 0
}

// waits tells whether a thread is there and stands. After its stop it may have gone on, with all
// others, or have ended.
func (s *session) waits(number int) bool {
	s.Lock()
	defer s.Unlock()
	t, lives := s.threads[number]
	return lives && t.stands
}

// aim notes whether the program is to run.
func (s *session) aim(goes bool) {
	s.Lock()
	defer s.Unlock()
	s.goes = goes
}

func (s *session) isToRun() bool {
	s.Lock()
	defer s.Unlock()
	return s.goes
}

// takeUnasked gives the stops that the program has not gone on from, for the caller to see to.
func (s *session) takeUnasked() []stop {
	s.Lock()
	defer s.Unlock()
	stops := s.unasked
	s.unasked = nil
	return stops
}

// deliver lets what stands for a signal of the program's own go on with it, if gdb would keep it.
func (s *session) deliver(ctx context.Context) error {
	for _, by := range s.takeUnasked() {
		signal, err := s.ownSignal(ctx, by)
		if err == nil && signal != "" {
			err = s.goOn(ctx, by.thread, signal)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Resume lets all threads go on.
func (s *session) Resume(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if !s.nonStop {
		s.aim(true)
		var by stop
		if stops := s.takeUnasked(); len(stops) > 0 {
			by = stops[len(stops)-1]
		}
		signal, err := s.ownSignal(ctx, by)
		if err != nil {
			return err
		}
		return s.goOn(ctx, by.thread, signal)
	}
	// A thread whose stop gdb has not told yet would be passed over.
	if err := s.settle(ctx, math.MaxInt); err != nil {
		return err
	}
	s.aim(true)
	if err := s.deliver(ctx); err != nil {
		return err
	}
	_, err := s.ask(ctx, "-exec-continue", "--all")
	return err
}

// Stop interrupts all threads. In all-stop mode gdb sends the process a SIGINT, which it stops
// for and does not deliver; in non-stop mode it stops each thread that it knows.
func (s *session) Stop(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.aim(false)
	if s.nonStop {
		return s.interruptAll(ctx)
	}
	if err := s.interrupt(ctx); err != nil {
		return err
	}
	return s.Await(ctx, s.Tool, func() bool { return s.stands })
}

// interruptAll interrupts in non-stop mode. It does so again if gdb has told meanwhile of a
// thread that was born, and that runs.
func (s *session) interruptAll(ctx context.Context) error {
	for {
		s.Lock()
		newest := s.newest
		s.Unlock()
		if _, err := s.ask(ctx, "-exec-interrupt", "--all"); err != nil {
			return err
		}
		err := s.settle(ctx, newest)
		s.Lock()
		more := s.newest > newest && !s.still()
		s.Unlock()
		if err != nil || !more {
			return err
		}
	}
}

// interrupt interrupts in all-stop mode, by way of a thread that is there: if gdb's selected
// process has ended, gdb does nothing and does not say so. The thread may end before gdb reads
// the command; the next one is named then.
func (s *session) interrupt(ctx context.Context) error {
	for {
		s.Lock()
		numbers := s.live()
		if s.stands || len(numbers) == 0 {
			s.Unlock()
			return nil
		}
		s.Unlock()
		_, err := s.ask(ctx, "-exec-interrupt", "--thread", strconv.Itoa(numbers[0]))
		if err == nil {
			return nil
		}
		s.Lock()
		_, lives := s.threads[numbers[0]]
		s.Unlock()
		if lives || !isRefused(err) {
			return err
		}
	}
}

// settle waits until gdb has said of each thread that it stands, or of a thread that is newer than
// those that were told to stop. When gdb has told of no more stop for a while, it is over too if no
// other thread can stop; else gdb is only late.
func (s *session) settle(ctx context.Context, newest int) error {
	for settled := false; !settled; {
		patience, cancel := context.WithTimeout(ctx, s.Scaled(limits.GDBStop))
		before := -1
		err := s.Await(patience, s.Tool, func() bool {
			if before < 0 {
				before = s.stops
			}
			settled = s.still() || s.newest > newest
			return settled || s.stops > before
		})
		cancel()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, context.DeadlineExceeded):
			settled = s.cannotStop()
		case err != nil:
			return err
		}
	}
	return nil
}

// cannotStop tells whether each thread that runs by gdb's word is over, or sleeps in D: so does one
// in the middle of vfork(2).
func (s *session) cannotStop() bool {
	s.Lock()
	defer s.Unlock()
	for _, t := range s.threads {
		task, there := procfs.ReadTask(t.group.pid, t.tid)
		over := t.tid != 0 && (!there || task.Ended())
		if !t.stands && !over && !strings.HasPrefix(task.State, "D") {
			return false
		}
	}
	return true
}

// Threads are those that gdb lists, by the tid in the name that it has for each.
func (s *session) Threads(ctx context.Context) ([]event.TID, error) {
	r, err := s.ask(ctx, "-thread-info")
	if err != nil {
		return nil, err
	}
	var tids []event.TID
	for _, f := range r.Tuple.Get("threads").Fields {
		tid, err := taskOf(f.Value.Fields.Text("target-id"))
		if err != nil {
			return nil, fmt.Errorf("-thread-info: %w", err)
		}
		tids = append(tids, tid)
	}
	return tids, nil
}

// Detach lets go of each process, also of those that are born meanwhile.
func (s *session) Detach(ctx context.Context) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.aim(false)
	if err := s.deliver(ctx); err != nil {
		return err
	}
	asked := make(map[string]bool)
	for {
		id := s.other(asked)
		if id == "" {
			return nil
		}
		asked[id] = true
		if _, err := s.ask(ctx, "-target-detach", id); err != nil && s.has(id) {
			return err
		}
	}
}

// other is a process that is not among those given, empty if there is none.
func (s *session) other(than map[string]bool) string {
	s.Lock()
	defer s.Unlock()
	for id := range s.groups {
		if !than[id] {
			return id
		}
	}
	return ""
}

// has tells whether a process has neither ended nor been let go of.
func (s *session) has(group string) bool {
	s.Lock()
	defer s.Unlock()
	return s.groups[group] != nil
}

// Wait waits until each process has ended, or is let go of.
func (s *session) Wait(ctx context.Context) error {
	return s.Await(ctx, s.Tool, func() bool { return s.began && len(s.groups) == 0 })
}

// End kills gdb; the keeper ends what it leaves.
func (s *session) End() error {
	s.Lock()
	trouble := s.trouble // before the end, which may make more
	s.Unlock()
	return errors.Join(s.Tool.End(), trouble)
}
