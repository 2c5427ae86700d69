package gdb

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/debuggers/dap"
	"github.com/tidcheck/tidcheck/harness"
)

// DAP is gdb as its own debug adapter. It tells of no births: it announces threads under numbers
// of its own. Its lists are judged. Processes that the program makes are let go. A SIGINT or
// SIGTRAP of the program's own is not delivered: gdb stops for it, and DAP cannot hand it on.
type DAP struct {
	Path string   // the program; empty for gdb in PATH
	Args []string // further arguments
}

// Name is "gdb-dap".
func (DAP) Name() string { return "gdb-dap" }

// TimeScale is gdb's.
func (DAP) TimeScale() float64 { return Debugger{}.TimeScale() }

// firstDAP is the first version that tells a program's process over DAP, which version 14 knows.
const firstDAP = 15

// Version is gdb's, and an error if that is too old.
func (d DAP) Version(ctx context.Context) (string, error) {
	version, err := Debugger{Path: d.Path}.Version(ctx)
	major, _, _ := strings.Cut(version, ".")
	if n, bad := strconv.Atoi(major); err == nil && bad == nil && n < firstDAP {
		err = fmt.Errorf("gdb %s: its debug adapter is judged from version %d on",
			version, firstDAP)
	}
	return version, err
}

// tids has gdb print its numbers of threads with the kernel's.
const tids = "python print([(t.global_num, t.ptid[1])" +
	" for i in gdb.inferiors() for t in i.threads()])"

// Start starts gdb with the settings of [Debugger], as far as they are not the adapter's own.
func (d DAP) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	path, err := Debugger{Path: d.Path}.program().Find()
	if err != nil {
		return nil, err
	}
	args := append(slices.Clone(quiet), "--interpreter=dap")
	for _, command := range []string{
		"set auto-load libthread-db on", "set startup-with-shell off",
		"handle all nostop noprint pass",
	} {
		args = append(args, "-iex", command)
	}
	return dap.Debugger{
		Called: d.Name(), Path: path, Args: append(args, d.Args...), TIDs: tids,
	}.Start(ctx, target)
}
