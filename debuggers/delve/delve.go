// Package delve holds delve to the suite's rules. Delve is started without a terminal and spoken
// to in JSON-RPC over a socket in the run's own folder. It tells of no births and no deaths: it
// lists its threads when the program stands, and is held to that.
package delve

import (
	"bytes"
	"context"
	"fmt"
	"go/build"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/tidcheck/tidcheck/adapter"
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

// TimeScale is for the symbols that it reads at each start, and at each exec that it follows: a
// second of work each.
func (Debugger) TimeScale() float64 { return 4 }

// program is looked for also beside our own program, since make writes both to one folder.
func (d Debugger) program() adapter.Program {
	p := adapter.Program{
		Path: d.Path, Names: []string{"dlv"}, Install: "`make debuggers` builds it",
	}
	if self, err := os.Executable(); err == nil {
		p.Folders = []string{filepath.Dir(self)}
	}
	if dir := os.Getenv("GOBIN"); dir != "" {
		p.Folders = append(p.Folders, dir)
		return p
	}
	for _, dir := range filepath.SplitList(build.Default.GOPATH) {
		p.Folders = append(p.Folders, filepath.Join(dir, "bin"))
	}
	return p
}

var versionLine = regexp.MustCompile(`(?m)^Version: (\S+)$`)

// Version is what `dlv version` prints as such.
func (d Debugger) Version(ctx context.Context) (string, error) {
	home, err := os.MkdirTemp("", "tidcheck-delve-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(home)
	if err := silence(home); err != nil {
		return "", err
	}
	p := d.program()
	p.Env = []string{"XDG_CONFIG_HOME=" + home}
	return p.Version(ctx, versionLine, "version")
}

// silence turns telemetry off below a folder that is XDG_CONFIG_HOME. Else delve leaves a child
// that outlives it.
func silence(config string) error {
	dir := filepath.Join(config, "go", "telemetry")
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "mode"), []byte("off"), 0o600)
	}
	if err != nil {
		return fmt.Errorf("turn telemetry off: %w", err)
	}
	return nil
}

// args are the arguments with which delve serves at an address.
func (d Debugger) args(listen string, target harness.Target) []string {
	flags := append([]string{
		"--headless", "--api-version=2", "--listen=" + listen,
		"--check-go-version=false", "--allow-non-terminal-interactive=true",
	}, d.Args...)
	if target.PID != 0 {
		return append([]string{"attach", strconv.Itoa(target.PID)}, flags...)
	}
	return slices.Concat([]string{"exec", target.Argv[0]}, flags, []string{"--"}, target.Argv[1:])
}

// Start starts delve, and has it answer: it says that it listens before it has launched or
// attached to anything.
func (d Debugger) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	home, err := target.Home()
	if err != nil {
		return nil, err
	}
	if err := silence(home); err != nil {
		return nil, err
	}
	s, err := d.serve(ctx, target, "unix:"+filepath.Join(home, "delve.sock"))
	if err != nil && s != nil && s.isDeaf() {
		s, err = d.serve(ctx, target, "127.0.0.1:0") // delve before 1.22 knows no other sockets
	}
	if s == nil {
		return nil, err
	}
	return s, err
}

// serve starts delve and connects to it. The session is nil if there is no delve.
func (d Debugger) serve(
	ctx context.Context, target harness.Target, listen string,
) (*session, error) {
	s := &session{stands: true, program: fmt.Sprintf("/proc/%d/exe", target.PID)}
	if target.PID == 0 {
		s.program = target.Argv[0]
	}
	lines := adapter.Lines{Take: func(line []byte) error {
		s.Lock()
		defer s.Unlock()
		if at, listens := bytes.CutPrefix(line, []byte("API server listening at: ")); listens {
			s.listens = string(at)
		}
		s.deaf = s.deaf || bytes.HasPrefix(line, []byte("couldn't start listener: "))
		return nil
	}}
	var err error
	s.Tool, err = d.program().Start(target, d.args(listen, target), lines.Read)
	if err != nil {
		return nil, err
	}
	err = s.Await(ctx, s.Tool, func() bool { return s.listens != "" })
	if err == nil {
		err = s.dial(ctx, target)
	}
	if err == nil {
		err = s.prepare(ctx, d)
	}
	return s, err
}
