// Package delve holds delve to the suite's rules. Delve is started without a terminal and spoken to in JSON-RPC over
// a socket in the run's own folder. It tells of no births and no deaths: it lists its threads when the program
// stands, and that is what it is held to.
package delve

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
)

// Debugger is delve.
type Debugger struct {
	Path       string   // the program; empty for dlv in PATH, or where the go command installs it
	Args       []string // further arguments
	FollowExec bool     // it is told to follow children that execute a program
	Breakpoint bool     // a breakpoint stands at fixtures.Place in what it attaches to
}

// Known is what is known of its failures, as harness.ParseKnown reads it.
//
//go:embed known.txt
var Known string

// Name is "delve", "delve-followexec" or "delve-breakpoint".
func (d Debugger) Name() string {
	switch {
	case d.FollowExec:
		return "delve-followexec"
	case d.Breakpoint:
		return "delve-breakpoint"
	}
	return "delve"
}

// Host is Go: delve debugs no other programs.
func (Debugger) Host() fixtures.Language { return fixtures.Go }

// TimeScale is for the symbols that it reads at each start, and at each exec that it follows: a second of work each.
func (Debugger) TimeScale() float64 { return 4 }

// Version is what `dlv version` prints as such.
func (d Debugger) Version(ctx context.Context) (string, error) {
	program, err := d.program()
	if err != nil {
		return "", err
	}
	home, err := os.MkdirTemp("", "tidcheck-delve-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(home)
	if err := silence(home); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, program, "version")
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+home)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s version: %w", program, err)
	}
	return versionIn(out)
}

func versionIn(out []byte) (string, error) {
	for line := range bytes.Lines(out) {
		if version, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "Version: "); ok && version != "" && !strings.Contains(version, " ") {
			return version, nil
		}
	}
	return "", errors.New("dlv version prints no version: is it delve?")
}

// program is where delve is.
func (d Debugger) program() (string, error) {
	name := d.Path
	if name == "" {
		name = "dlv"
	}
	program, err := exec.LookPath(name)
	for _, dir := range append(ownFolder(), goBins()...) {
		if err == nil || d.Path != "" {
			break
		}
		program, err = exec.LookPath(filepath.Join(dir, name))
	}
	if err != nil {
		return "", fmt.Errorf("find delve (`make debuggers` builds it): %w", err)
	}
	return program, nil
}

// ownFolder is that of the program that we are: make writes both to one.
func ownFolder() []string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{filepath.Dir(self)}
}

// goBins are the folders that go install writes to.
func goBins() []string {
	dirs := filepath.SplitList(build.Default.GOPATH)
	for i := range dirs {
		dirs[i] = filepath.Join(dirs[i], "bin")
	}
	if dir := os.Getenv("GOBIN"); dir != "" {
		return []string{dir}
	}
	return dirs
}

// silence turns telemetry off below a folder that is XDG_CONFIG_HOME; delve leaves a child else, which outlives it.
func silence(config string) error {
	dir := filepath.Join(config, "go", "telemetry")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("turn telemetry off: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mode"), []byte("off"), 0o600); err != nil {
		return fmt.Errorf("turn telemetry off: %w", err)
	}
	return nil
}

// argv is the command line that has delve serve at a socket.
func (d Debugger) argv(program, socket string, target harness.Target) []string {
	what := []string{"exec", target.Argv[0]}
	if target.PID != 0 {
		what = []string{"attach", strconv.Itoa(target.PID)}
	}
	argv := slices.Concat([]string{program}, what, []string{
		"--headless", "--api-version=2", "--listen=unix:" + socket, "--check-go-version=false", "--allow-non-terminal-interactive=true",
	}, d.Args)
	if target.PID == 0 {
		argv = slices.Concat(argv, []string{"--"}, target.Argv[1:])
	}
	return argv
}

// Start starts delve, and has it answer: it says that it listens before it has launched or attached to anything.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	program, err := d.program()
	if err != nil {
		return nil, err
	}
	env, err := target.Sheltered()
	if err != nil {
		return nil, err
	}
	home, err := target.Home()
	if err != nil {
		return nil, err
	}
	if err := silence(home); err != nil {
		return nil, err
	}
	s := &session{over: make(chan struct{}), going: make(chan struct{})}
	close(s.going) // it stands
	listening := make(chan struct{})
	once := sync.OnceFunc(func() { close(listening) })
	socket := filepath.Join(home, "delve.sock")
	s.Tool, err = harness.StartLineTool(target, harness.Spec{Argv: d.argv(program, socket, target), Env: env}, func(line []byte) error {
		if bytes.HasPrefix(line, []byte("API server listening at: ")) {
			once()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err = s.Await(ctx, listening); err == nil {
		err = s.dial(ctx, socket, target)
	}
	if err == nil {
		err = s.prepare(ctx, d)
	}
	if err == nil || target.PID == 0 {
		return s, err
	}
	if strings.Contains(err.Error(), "could not attach") { // it has refused the program, and is gone: there is nothing to be debugged
		s.End() // how it ended was said
		return nil, err
	}
	return s, err
}
