package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/accounts"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/internal/keeper"
	"github.com/tidcheck/tidcheck/internal/ledger"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/internal/scene"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/witness"
)

// A stage is where one run takes place: below its keeper, with the fixture's ledger and its output
// file, and the kernel's accounts that can be had. Its files have no names.
type stage struct {
	Scenario
	setting
	begun    time.Duration // on the witness's clock
	evidence *judge.Evidence
	program  string // its path
	hosted   string // the shared object that the program calls, if it hosts the fixture
	keeper   *keeper.Keeper
	ledger   *ledger.Ledger
	out      *os.File
	accounts *accounts.Accounts
	said     atomic.Int64 // how often debugger or suite said something to the other
	// signals is the ledger at the look at a program whose time was over.
	signals []judge.Announcement

	process *Process        // the program, if we started it
	root    *procfs.Process // its first process
}

// openers start the kernel's accounts of a keeper. Tests replace them by ones that refuse, or lose
// records.
var openers = accounts.Kernel()

// readLedger reads what was announced at a run's end. Tests replace it by one that lies.
var readLedger = (*ledger.Ledger).Read

// prepare sets the stage for a run; close ends all that it left.
func prepare(
	ctx context.Context, scenario Scenario, how setting, e *judge.Evidence,
) (s *stage, err error) {
	s = &stage{
		Scenario: scenario, setting: how, begun: witness.Now(), evidence: e,
	}
	e.Limit = how.limit
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := s.build(ctx); err != nil {
		return s, err
	}
	if s.keeper, err = build.StartKeeper(ctx); err != nil {
		return s, err
	}
	if s.ledger, err = ledger.New(); err != nil {
		return s, err
	}
	if s.out, err = procfs.MemoryFile("output"); err != nil {
		return s, err
	}
	s.accounts = openers.Open(s.keeper.PID())
	return s, nil
}

// build builds the fixture, and what hosts it if anything does.
func (s *stage) build(ctx context.Context) error {
	source, err := build.Fixture(s.Fixture)
	if err != nil {
		return err
	}
	if s.program, err = build.Program(ctx, source); err != nil || !s.Fixture.Hosted {
		return err
	}
	s.hosted = s.program
	if source, err = build.Host(); err != nil {
		return err
	}
	s.program, err = build.Program(ctx, source)
	return err
}

func (s *stage) close() error {
	var errs []error
	if s.keeper != nil {
		errs = append(errs, s.keeper.Close())
	}
	if s.accounts != nil {
		errs = append(errs, s.accounts.Discard())
	}
	if s.ledger != nil {
		errs = append(errs, s.ledger.Close())
	}
	if s.root != nil {
		errs = append(errs, s.root.Close())
	}
	if s.out != nil {
		errs = append(errs, s.out.Close())
	}
	return errors.Join(errs...)
}

// now is the time since the run began.
func (s *stage) now() time.Duration { return witness.Now() - s.begun }

// target is the fixture's program, to launch.
func (s *stage) target() Target {
	env := append(os.Environ(), "TIDCHECK_LEDGER="+s.ledger.Path(),
		"TIDCHECK_OUT="+procfs.SharedPath(s.out))
	if s.hosted != "" {
		env = append(env, "TIDCHECK_HOSTED="+s.hosted)
	}
	argv := append([]string{s.program}, s.Fixture.Values()...)
	return Target{
		Argv: argv, Env: env, keeper: s.keeper, log: s.log, scale: s.scale,
		said: &s.said,
	}
}

// startProgram starts the fixture's program without a debugger, and waits until it is at its gate.
func (s *stage) startProgram(ctx context.Context) error {
	complaint, err := procfs.MemoryFile("complaint")
	if err != nil {
		return err
	}
	defer complaint.Close()
	target := s.target()
	p, err := target.Start(Spec{Argv: target.Argv, Stderr: complaint})
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
		if line, _, _ := strings.Cut(procfs.Content(complaint), "\n"); line != "" {
			err = fmt.Errorf("%w: %s", err, line)
		}
		return err
	}
	s.root, err = procfs.OpenProcess(event.TID(p.PID))
	return err
}

// awaitGate waits until the program is at its gate. The function over returns when the program can
// no longer come there, and says why.
func (s *stage) awaitGate(ctx context.Context, over func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // it may outlive this call, and the stage
		if err := over(ctx); ctx.Err() == nil {
			cancel(err)
		}
	}()
	if err := s.ledger.Await(ctx, 0); err != nil {
		return err
	}
	s.evidence.Program.State, s.evidence.Program.Gate = judge.Begun, s.now()
	return nil
}

// passTo lets the program go to a checkpoint.
func (s *stage) passTo(ctx context.Context, checkpoint uint32) error {
	s.ledger.LetPass(checkpoint)
	return byProgram(fmt.Sprintf("checkpoint %d of the program", checkpoint),
		s.ledger.Await(ctx, checkpoint))
}

// awaitProgram waits for the end of the program's first process.
func (s *stage) awaitProgram(ctx context.Context) (err error) {
	if err := s.root.AwaitEnd(ctx); err != nil {
		return err
	}
	s.evidence.Program.State = judge.Over
	if s.process != nil {
		s.evidence.Program.Status, err = s.process.Wait(ctx)
	}
	return err
}

// scene is what /proc shows of the run.
func (s *stage) scene() scene.Scene {
	return scene.Scene{Keeper: event.TID(s.keeper.PID()), Ledger: s.ledger, Scale: s.scale}
}

// look is what /proc shows now of all tasks of the program.
func (s *stage) look(when judge.When) judge.Look {
	announced := 0
	all, _ := s.ledger.Read() // an error is told at the run's end
	for _, a := range all {
		announced = max(announced, a.Came)
	}
	return judge.Look{
		When: when, At: s.now(), Tasks: s.scene().Tasks(), Announced: announced,
	}
}

// lookOverdue looks at a program whose time is over. Only the last such look counts. What was sent
// before the look counts with what was handled after it.
func (s *stage) lookOverdue() {
	before, _ := s.ledger.Read() // an error is found at the run's end
	s.forgetOverdue()
	s.evidence.Looks = append(s.evidence.Looks,
		judge.Look{When: judge.AtOverdue, At: s.now(), Tasks: s.scene().Overdue()})
	s.signals, _ = s.ledger.Read()
	for i := range s.signals {
		a, sent := &s.signals[i], 0
		if i < len(before) && before[i].State != judge.Host {
			sent = before[i].Sent
		}
		a.Sent = max(sent, min(a.Sent, a.Handled))
	}
}

// forgetOverdue drops the look at a program whose time was over.
func (s *stage) forgetOverdue() {
	isOverdue := func(l judge.Look) bool { return l.When == judge.AtOverdue }
	s.evidence.Looks = slices.DeleteFunc(s.evidence.Looks, isOverdue)
	s.signals = nil
}
