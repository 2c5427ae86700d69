package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/judge"
)

// A check tries one thing that this machine may lack.
type check struct {
	name   string
	use    string // what it is for
	try    func(context.Context) (found string, err error)
	remedy string // what to do if it is missing, unless the error says that
}

// checksOf lists the checks of the machine and of all debuggers; those of the given debuggers,
// which may be other builds, come first.
func checksOf(debuggers ...harness.Debugger) (checks []check) {
	add := func(d harness.Debugger, use string) {
		remedy := "make debuggers installs what Debian has"
		switch {
		case d.Name() == "gdb-dap":
			remedy = "make ladder gets newer ones, for gdb-dap@18.1"
		case strings.HasPrefix(d.Name(), "delve"):
			remedy = "" // the error has it
		}
		checks = append(checks, check{d.Name(), use, d.Version, remedy})
	}
	for _, d := range debuggers {
		add(d, "")
	}
	checks = append(checks, []check{
		{"cc", "builds the C fixtures and the keeper", compilerOf(fixtures.C), ""},
		{"go", "builds the Go fixtures", compilerOf(fixtures.Go), ""},
		{
			"ptrace", "a debugger traces a program that it launches", tryPtrace,
			"in a container: --cap-add=SYS_PTRACE, and a seccomp profile that permits ptrace(2)",
		},
		{
			"attach", "a debugger attaches to a program that it did not start", tryAttach,
			"sysctl kernel.yama.ptrace_scope=0, or CAP_SYS_PTRACE",
		},
		{
			"perf", "the kernel's own account of births and deaths", tryAccount(judge.Perf),
			"sysctl kernel.perf_event_paranoid=1, or CAP_PERFMON; " +
				"without it runs are judged by the connector, or by the ledger and /proc alone",
		},
		{
			"connector", "the kernel's account of deaths with their statuses",
			tryAccount(judge.Connector),
			"Linux 6.6, or CAP_NET_ADMIN; in the first user, pid and network namespaces " +
				"(in no usual container)",
		},
		{
			"cgroups", "keep the scenarios that use up all pids within a cgroup", tryCgroup,
			"run as root, or in a delegated cgroup (systemd-run --user --scope -p Delegate=yes)",
		},
	}...)
	tried := make(map[string]bool)
	for _, c := range configurations("", nil) {
		if len(c.debuggers) == 1 { // the defective ones are many, and part of tidcheck
			add(c.debuggers[0], c.sentence)
		}
		if tried[c.program] {
			continue // another configuration of the same program
		}
		tried[c.program] = true
		for _, version := range c.versions() {
			if d, err := climb(c.name, version, nil); err == nil { // else it is gone meanwhile
				add(d, "of make ladder")
			}
		}
	}
	return checks
}

func compilerOf(l fixtures.Language) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return build.Compiler(l) }
}

// thisMachine tries the kernel's accounts once for all checks.
var thisMachine = sync.OnceValue(func() harness.Machine {
	return harness.ThisMachine(context.Background())
})

func tryAccount(from judge.Source) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		machine := thisMachine()
		if why, refused := machine.Refused[from]; refused {
			return "", errors.New(why)
		}
		if machine.Refused == nil { // nothing could be tried
			return "", errors.New(machine.Witness)
		}
		return "task records", nil
	}
}

// checkNames are the names of all checks.
func checkNames() (names []string) {
	for _, c := range checksOf() {
		names = append(names, c.name)
	}
	return names
}

// A checkup is what came of a check: an entry of doctor --json.
type checkup struct {
	Name   string `json:"name"`
	Use    string `json:"use"`
	Found  string `json:"found,omitempty"`
	Lacks  string `json:"lacks,omitempty"`  // why it is not to be had; empty if it is
	Remedy string `json:"remedy,omitempty"` // what to do about it
	Needed bool   `json:"needed"`           // nothing can be run without it
}

func doctorCommand(c *invocation) action {
	asJSON := c.Flags().Bool("json", false, "print a JSON object")
	c.Long += "\n\n" +
		"It ends with status 1 if a C compiler or ptrace(2) is missing: nothing can be run then."
	return func(ctx context.Context, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("%s: doctor takes no arguments", args[0])
		}
		machine := harness.ThisMachine(ctx)
		if !*asJSON {
			fmt.Printf("linux %s %s\n", machine.Kernel, machine.Arch)
		}
		var all []checkup
		for _, one := range checksOf() {
			found := one.checkup(ctx)
			if !*asJSON {
				found.print()
			}
			if found.Needed && found.Lacks != "" {
				c.status = notConforming
			}
			all = append(all, found)
		}
		if !*asJSON {
			return nil
		}
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(struct {
			Suite   string          `json:"suite"`
			Machine harness.Machine `json:"machine"`
			Checks  []checkup       `json:"checks"`
		}{tidcheck.Version, machine, all})
	}
}

// checkup tries a thing.
func (c check) checkup(ctx context.Context) checkup {
	found, err := c.try(ctx)
	one := checkup{
		Name: c.name, Use: c.use, Found: found, Needed: c.name == "cc" || c.name == "ptrace",
	}
	if err != nil {
		one.Lacks, one.Remedy = strings.ReplaceAll(err.Error(), "\n", "; "), c.remedy
	}
	return one
}

func (c checkup) print() {
	if c.Lacks == "" {
		fmt.Printf("yes  %-18s %s (%s)\n", c.Name, c.Found, c.Use)
		return
	}
	fmt.Printf("no   %-18s %s\n", c.Name, c.Lacks)
	if c.Remedy != "" {
		fmt.Printf("     %-18s %s\n", "", c.Remedy)
	}
}

// require returns an error if one of a list is missing. The list names checks, with commas between.
func require(ctx context.Context, list string, debuggers []harness.Debugger) error {
	checks := checksOf(debuggers...)
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		i := slices.IndexFunc(checks, func(c check) bool { return c.name == name })
		if i < 0 {
			return fmt.Errorf("--require: there is no %q (tidcheck doctor has the names)", name)
		}
		if _, err := checks[i].try(ctx); err != nil {
			return fmt.Errorf("--require: %s is missing: %w", name, err)
		}
	}
	return nil
}
