//go:build !linux

package harness

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

func unsupported() error {
	return fmt.Errorf("run a fixture on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

type keeper struct{}

func newKeeper(string) (*keeper, error)                      { return nil, unsupported() }
func (*keeper) start(Spec) (*Process, error)                 { return nil, unsupported() }
func (*keeper) output(context.Context, Spec) (string, error) { return "", unsupported() }
func (*keeper) close() error                                 { return unsupported() }
func (*keeper) makeHome() (string, error)                    { return "", unsupported() }
func signalGroup(int, syscall.Signal) error                  { return unsupported() }
func ownedByUs(fs.FileInfo) bool                             { return true }
func lockFile(string) (func(), error)                        { return nil, unsupported() }
func kernelVersion() (string, [2]int, error)                 { return "", [2]int{}, unsupported() }
func witnessed(context.Context) string                       { return "" }
func tryNeed(string) error                                   { return unsupported() }
func runControl(context.Context, fixtures.Fixture, time.Duration) (*control, error) {
	return nil, unsupported()
}

func run(context.Context, Debugger, Scenario, *control, setting) (*evidence, error) {
	return nil, unsupported()
}

// Witnessed is for Linux.
func Witnessed(context.Context, Spec, func(*Process) error) (event.Form, error) {
	return nil, unsupported()
}
