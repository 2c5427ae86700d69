package accounts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/internal/keeper"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/judge"
)

// OfCommand runs any command below a keeper, until nothing that descends from it is left, and
// returns what the kernel's perf events tell of it from its first instruction on. The command is
// held before its exec; meet lets it go, by Release, and may see to its end itself. If the kernel
// gives no account the error says why.
func OfCommand(
	ctx context.Context, spec keeper.Spec, meet func(*keeper.Process) error,
) (event.Form, error) {
	k, err := build.StartKeeper(ctx)
	if err != nil {
		return nil, err
	}
	w, err := Kernel().Perf(k.PID())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the kernel gives no account of a command: %w", err),
			k.Close())
	}
	p, err := k.Start(spec)
	if err == nil {
		err = meet(p)
	}
	if err == nil {
		_, err = p.Wait(ctx)
	}
	for err == nil && len(procfs.Descendants(event.TID(k.PID()))) > 0 {
		err = context.Cause(ctx)
		time.Sleep(time.Millisecond) // sleep: the kernel does not tell of the end of an orphan
	}
	err = errors.Join(err, k.Close())
	records, witnessErr := w.Close()
	if err = errors.Join(err, witnessErr); err != nil {
		return nil, err
	}
	return judge.FormOf(event.TID(p.PID), Since(0, records))
}
