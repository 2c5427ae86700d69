package harness

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/witness"
)

// Witnessed runs any command below a keeper, until nothing that descends from it is left, and returns what the
// kernel's own account has of it from its first instruction on. The command is held before its exec; meet
// lets it go, by Release, and may see to its end itself. Where the kernel gives no account the error says why.
func Witnessed(ctx context.Context, spec Spec, meet func(*Process) error) (event.Form, error) {
	program, err := keeperProgram(ctx)
	if err != nil {
		return nil, err
	}
	k, err := newKeeper(program)
	if err != nil {
		return nil, err
	}
	w, err := openWitness(k.cmd.Process.Pid)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the kernel gives no account of a command: %w", err), k.close())
	}
	p, err := k.start(spec)
	if err == nil {
		err = meet(p)
	}
	if err == nil {
		_, err = p.Wait(ctx)
	}
	if err == nil {
		err = k.alone(ctx)
	}
	err = errors.Join(err, k.close())
	records, witnessErr := w.Close()
	if err = errors.Join(err, witnessErr); err != nil {
		return nil, err
	}
	return formOf(event.TID(p.PID), records)
}

// alone waits until nothing is left below a keeper.
func (k *keeper) alone(ctx context.Context) error {
	for len(descendants(event.TID(k.cmd.Process.Pid))) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		time.Sleep(time.Millisecond) // sleep: nobody tells of the end of an orphan
	}
	return nil
}

// formOf is the form of a program from its first exec on.
func formOf(root event.TID, records []witness.Record) (event.Form, error) {
	i := slices.IndexFunc(records, func(r witness.Record) bool { return r.Kind == event.Exec && r.TID == root })
	if i < 0 {
		return nil, errors.New("the command was never executed")
	}
	self := announced{{tid: root, pid: root, creator: -1}}
	t, err := newTruth(self, records[i+1:], 0, math.MaxInt64, event.Expected{}, outcome{status: event.Unknown})
	if err != nil {
		return nil, err
	}
	return t.family.Form(), nil
}
