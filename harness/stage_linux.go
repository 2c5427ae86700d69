package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/witness"
)

// A stage is where one run takes place: below its keeper, with the fixture's ledger and its
// output file, and the kernel's account if that can be had. It has no files with names.
type stage struct {
	fixture   fixtures.Fixture
	program   string
	hosted    string // the shared object that the program is to call, if it hosts the fixture
	keeper    *keeper
	log       *transcript // of what the debugger says; nil where nobody wants it
	ledger    *ledger
	out       *os.File
	complaint *os.File // what the program wrote to standard error, if we started it
	witness   account  // nil if refused
	refusal   error    // why

	mode     fixtures.Mode
	gate     time.Duration // when the program was let through its gate
	process  *Process      // the program, if we started it
	root     *os.File      // its first process, as a pidfd
	evidence *evidence
}

// An account is the kernel's, under way.
type account interface {
	Close() ([]witness.Record, error)
}

// openWitness starts the kernel's account of a keeper; tests have one that refuses, or loses records.
var openWitness = func(pid int) (account, error) { return witness.Open(pid) }

// readLedger reads at a run's end what was announced; tests have one that lies.
var readLedger = (*ledger).read

// setStage prepares a run; close ends all that it left.
func setStage(ctx context.Context, f fixtures.Fixture, mode fixtures.Mode) (s *stage, err error) {
	s = &stage{fixture: f, mode: mode, evidence: &evidence{mode: mode, outcome: outcome{status: event.Unknown}}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := s.build(ctx); err != nil {
		return s, err
	}
	keeper, err := keeperProgram(ctx)
	if err != nil {
		return s, err
	}
	if s.keeper, err = newKeeper(keeper); err != nil {
		return s, err
	}
	if s.ledger, err = newLedger(); err != nil {
		return s, err
	}
	if s.out, err = memoryFile("output"); err != nil {
		return s, err
	}
	if s.complaint, err = memoryFile("complaint"); err != nil {
		return s, err
	}
	if account, err := openWitness(s.keeper.cmd.Process.Pid); err != nil {
		s.refusal = err
	} else {
		s.witness = account
	}
	return s, nil
}

// build builds the fixture, and what hosts it if anything does.
func (s *stage) build(ctx context.Context) error {
	source, err := fixtureSource(s.fixture)
	if err != nil {
		return err
	}
	if s.program, err = Build(ctx, source); err != nil || !s.fixture.Hosted {
		return err
	}
	s.hosted = s.program
	if source, err = hostSource(); err != nil {
		return err
	}
	s.program, err = Build(ctx, source)
	return err
}

func (s *stage) close() error {
	var errs []error
	if s.keeper != nil {
		errs = append(errs, s.keeper.close())
	}
	if s.witness != nil {
		_, err := s.witness.Close()
		errs = append(errs, err)
	}
	if s.ledger != nil {
		errs = append(errs, s.ledger.close())
	}
	for _, file := range []*os.File{s.out, s.complaint, s.root} {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	return errors.Join(errs...)
}

// target is the fixture's program, to launch.
func (s *stage) target() Target {
	env := append(os.Environ(), "TIDCHECK_LEDGER="+sharedPath(s.ledger.file), "TIDCHECK_OUT="+sharedPath(s.out))
	if s.hosted != "" {
		env = append(env, "TIDCHECK_HOSTED="+s.hosted)
	}
	return Target{Argv: append([]string{s.program}, s.fixture.Values()...), Env: env, keeper: s.keeper, log: s.log}
}

// startProgram starts the fixture's program without a debugger, and waits until it stands at its gate.
func (s *stage) startProgram(ctx context.Context) error {
	target := s.target()
	p, err := target.Start(Spec{Argv: target.Argv, Stderr: s.complaint})
	if err != nil {
		return err
	}
	s.process = p
	if err := p.Release(); err != nil {
		return err
	}
	err = s.awaitGate(ctx, func(ctx context.Context) error {
		status, err := p.Wait(ctx)
		if err == nil {
			err = fmt.Errorf("the program ended before its gate, with %s", status)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%w%s", err, s.complained())
	}
	s.root, err = openProcess(p.PID)
	return err
}

// complained is the first line that the program wrote to standard error, after a colon.
func (s *stage) complained() string {
	if line := firstLine(sharedPath(s.complaint)); line != "?" {
		return ": " + line
	}
	return ""
}

// awaitGate waits until the program stands at its gate; over returns when it can
// no longer come there, and says why.
func (s *stage) awaitGate(ctx context.Context, over func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // it may outlive us, and the stage
		if err := over(ctx); ctx.Err() == nil {
			cancel(err)
		}
	}()
	if err := s.ledger.await(ctx, 0); err != nil {
		return err
	}
	s.gate = witness.Now()
	return nil
}

// processes are those that announced themselves and are still there: the pid of one that has
// ended may be a stranger's by now.
func (s *stage) processes(all announced) []event.TID {
	keeper := event.TID(s.keeper.cmd.Process.Pid)
	seen := make(map[event.TID]bool)
	var pids []event.TID
	for _, a := range all {
		if !seen[a.pid] && descends(a.pid, keeper) {
			pids = append(pids, a.pid)
		}
		seen[a.pid] = true
	}
	return pids
}

// procTasks lists the tasks of all processes of the program; before it has announced itself, of
// all that runs below the keeper.
func (s *stage) procTasks() []procTask {
	all, err := s.ledger.read()
	pids := s.processes(all)
	if err != nil || all.root().tid == 0 {
		pids = descendants(event.TID(s.keeper.cmd.Process.Pid))
	}
	for _, pid := range pids {
		pids = append(pids, descendants(pid)...) // a newborn has not announced itself yet
	}
	slices.Sort(pids)
	var tasks []procTask
	for _, pid := range slices.Compact(pids) {
		tasks = append(tasks, procTasks(pid)...)
	}
	return tasks
}

// twice lists the tasks and marks those that stand as they stood: one look proves nothing, since tasks
// are stopped for a moment at each birth.
func (s *stage) twice() []procTask {
	tasks := s.procTasks()
	for i := range tasks {
		tasks[i].examine()
	}
	time.Sleep(50 * time.Millisecond) // sleep: that nothing happens is what is looked for
	for i, t := range tasks {
		later, ok := readTask(t.pid, t.tid)
		tasks[i].still = ok && later.state == t.state && later.switches == t.switches
	}
	return tasks
}

// awaitProgram waits for the end of the program's first process.
func (s *stage) awaitProgram(ctx context.Context) error {
	if err := awaitEnd(ctx, s.root); err != nil {
		return err
	}
	s.evidence.outcome.ended = true
	if s.process != nil {
		_, err := s.process.Wait(ctx)
		return err
	}
	return nil
}

// endOf is how the program's first process ended, once all is reaped: by its parent's word if
// that was our keeper, else by the kernel's, where that keeps it (Linux 6.15).
func (s *stage) endOf() event.Status {
	switch {
	case !s.evidence.outcome.ended:
		return event.Unknown
	case s.process != nil:
		return s.process.status
	}
	return exitStatus(s.root)
}

// gather ends the run and completes its evidence. An error is ours: the run proves nothing.
func (s *stage) gather(control *control) error {
	e := s.evidence
	all, ledgerErr := readLedger(s.ledger)
	cut := witness.Now() // who has announced himself was born before
	keeperErr := s.keeper.close()
	s.keeper = nil
	e.outcome.status = s.endOf()
	var records []witness.Record
	var witnessErr error
	if s.witness != nil {
		records, witnessErr = s.witness.Close()
		s.witness = nil
		if records == nil {
			records = []witness.Record{}
		}
	}
	output, outErr := io.ReadAll(io.NewSectionReader(s.out, 0, 1<<30))
	if err := errors.Join(ledgerErr, keeperErr, witnessErr, outErr); err != nil {
		return err
	}
	e.announced, e.outcome.lines = all, splitLines(string(output))
	if all.root().tid == 0 && e.overdue != "" {
		return nil // the program never was: there is nothing to hold the debugger to
	}
	var err error
	e.truth, err = newTruth(all, records, s.gate, cut, control.expected, e.outcome)
	if err != nil {
		return err
	}
	return e.truth.asAnnounced(all)
}
