package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
)

// A check is something that this machine may lack, which is found out by trying.
type check struct {
	name   string
	use    string // what it is for
	try    func(context.Context) (found string, err error)
	remedy string // what to do where it is missing, if the error does not say that
}

// errWitness says why there is no witness.
var errWitness = errors.New("no account by the kernel")

// checks are those of the machine; each debugger is one too.
var checks = []check{
	{"cc", "builds the C fixtures and the keeper", compilerOf(fixtures.C), ""},
	{"go", "builds the Go fixtures", compilerOf(fixtures.Go), ""},
	{
		"ptrace", "a debugger follows what it launches", tryPtrace,
		"in a container: --cap-add=SYS_PTRACE, and a seccomp profile that permits ptrace(2)",
	},
	{
		"attach", "a debugger attaches to what it did not start", tryAttach,
		"sysctl kernel.yama.ptrace_scope=0, or CAP_SYS_PTRACE",
	},
	{
		"perf", "the kernel's own account of births and deaths", func(ctx context.Context) (string, error) {
			if from := harness.ThisMachine(ctx).Witness; from != "perf" {
				return "", fmt.Errorf("%w: %s", errWitness, from)
			}
			return "task records", nil
		},
		"sysctl kernel.perf_event_paranoid=1, or CAP_PERFMON; without it the ledger and /proc alone are the truth",
	},
	{
		"cgroups", "tests in which pids are exhausted stay within a cgroup", tryCgroup,
		"run as root, or in a delegated cgroup (systemd-run --user --scope -p Delegate=yes)",
	},
}

func compilerOf(l fixtures.Language) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return harness.Compiler(l) }
}

// versionOf is a debugger's check.
func versionOf(d harness.Debugger) check {
	return check{d.Name(), "", d.Version, "make debuggers installs what Debian has"}
}

// allChecks are the machine's and the debuggers'.
func allChecks() []check {
	all := slices.Clone(checks)
	for _, a := range adapters {
		if len(a.own) > 1 {
			continue // the wrong ones are many, and part of tidcheck
		}
		for _, d := range a.debuggers() {
			c := versionOf(d)
			c.use = a.sentence
			all = append(all, c)
		}
	}
	return all
}

func doctorCommand(ctx context.Context, c *invocation) (int, error) {
	if err := c.parse(); err != nil {
		return harnessError, err
	}
	if c.flags.NArg() > 0 {
		return harnessError, fmt.Errorf("%s: it takes no arguments", c.flags.Arg(0))
	}
	machine := harness.ThisMachine(ctx)
	fmt.Fprintf(c.stdout, "linux %s %s\n", machine.Kernel, machine.Arch)
	status := asExpected
	for _, one := range allChecks() {
		if !one.tell(ctx, c.stdout) && (one.name == "cc" || one.name == "ptrace") {
			status = harnessError // nothing can be run then
		}
	}
	return status, nil
}

// tell writes what a check found, and tells whether it is there.
func (c check) tell(ctx context.Context, w io.Writer) bool {
	found, err := c.try(ctx)
	if err == nil {
		fmt.Fprintf(w, "yes  %-18s %s (%s)\n", c.name, found, c.use)
		return true
	}
	reason := strings.ReplaceAll(err.Error(), "\n", "; ")
	fmt.Fprintf(w, "no   %-18s %s\n", c.name, reason)
	if c.remedy != "" {
		fmt.Fprintf(w, "     %-18s %s\n", "", c.remedy)
	}
	return false
}

// require refuses to run where one of a list is missing: of the debuggers that are named, or of all checks.
func require(ctx context.Context, list string, debuggers []harness.Debugger) error {
	all := allChecks()
	for _, d := range debuggers {
		all = append([]check{versionOf(d)}, all...) // another build of it comes first
	}
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		i := slices.IndexFunc(all, func(c check) bool { return c.name == name })
		if i < 0 {
			return fmt.Errorf("--require: there is no %q (tidcheck doctor has them)", name)
		}
		if _, err := all[i].try(ctx); err != nil {
			return fmt.Errorf("--require: %s is missing: %w", name, err)
		}
	}
	return nil
}
