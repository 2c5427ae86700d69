package adapter

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/limits"
)

// A Program is a debugger on this machine, which may not be there.
type Program struct {
	// Path names the program. If it is empty, the Names are looked for: the first that is there.
	Path  string
	Names []string
	// Folders are looked in after those of PATH.
	Folders []string
	// Numbered says that a name may have a number, such as lldb-dap-19. If there is none without,
	// the highest is taken.
	Numbered bool
	// Install says how to install it, in the message that it is missing.
	Install string
	// Env is added to its environment.
	Env []string
	// Stdin is its standard input, where that is the caller's; see [Start].
	Stdin *os.File
}

// Find returns the program's path. The error says how to install what is missing.
func (p Program) Find() (string, error) {
	candidates := []string{p.Path}
	if p.Path == "" {
		candidates = p.candidates()
	}
	var missing error
	for _, c := range candidates {
		found, err := exec.LookPath(c)
		if err == nil {
			return found, nil
		}
		missing = cmp.Or(missing, err)
	}
	how := ""
	if p.Install != "" {
		how = " (" + p.Install + ")"
	}
	return "", fmt.Errorf("find %s%s: %w", p.name(), how, missing)
}

// name is what the program is called in messages.
func (p Program) name() string { return append(p.Names, filepath.Base(p.Path))[0] }

// highest is the highest number of a version that is looked for.
const highest = 99

// candidates are where the program may be, the best first.
func (p Program) candidates() []string {
	all := slices.Clone(p.Names)
	for _, folder := range p.Folders {
		for _, name := range p.Names {
			all = append(all, filepath.Join(folder, name))
		}
	}
	for n := highest; n > 0 && p.Numbered; n-- {
		for _, name := range p.Names {
			all = append(all, fmt.Sprintf("%s-%d", name, n))
		}
	}
	return all
}

// maxVersion is the most, in bytes, that is read of what a program prints about its version.
const maxVersion = 64 << 10

// Version runs the program with arguments that have it print its version, which is the first
// group of a regular expression in that. The exit status counts only where the version is not
// found: a debugger may print it before it fails.
func (p Program) Version(
	ctx context.Context, pattern *regexp.Regexp, args ...string,
) (string, error) {
	program, err := p.Find()
	if err != nil {
		return "", err
	}
	// Not scaled: there is no run yet.
	ctx, cancel := context.WithTimeout(ctx, limits.Version)
	defer cancel()
	var printed prefix
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "HOME=/nonexistent", "LC_ALL=C.UTF-8")
	cmd.Env = append(cmd.Env, p.Env...)
	if _, err := os.Getwd(); err != nil { // gdbserver ends where its folder was removed
		cmd.Dir = "/"
	}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &printed, &printed, limits.Grace
	if err = cmd.Run(); ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	command := strings.Join(append([]string{program}, args...), " ")
	switch found := pattern.FindSubmatch(printed); {
	case found != nil:
		return string(found[1]), nil
	case err != nil:
		return "", fmt.Errorf("%s: %w", command, err)
	}
	return "", fmt.Errorf("%s prints no version of %s: is it %[2]s?", command, p.name())
}

// A prefix keeps the beginning of what is written to it, and refuses the rest.
type prefix []byte

func (p *prefix) Write(b []byte) (int, error) {
	if len(*p) > maxVersion {
		return 0, io.ErrShortWrite
	}
	*p = append(*p, b...)
	return len(b), nil
}

// Start finds the program and starts it for the target in an isolated environment; see [Start].
func (p Program) Start(
	t harness.Target, args []string, read func(out io.Reader) error,
) (*Tool, error) {
	program, err := p.Find()
	if err != nil {
		return nil, err
	}
	env, err := t.IsolatedEnv()
	if err != nil {
		return nil, err
	}
	argv := append([]string{program}, args...)
	return Start(t, harness.Spec{Argv: argv, Env: append(env, p.Env...), Stdin: p.Stdin}, read)
}
