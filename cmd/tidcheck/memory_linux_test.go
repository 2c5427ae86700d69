//go:build amd64 || arm64

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A debugger prints a line of 100 MB. The part that is kept is bounded, and the debugger has
// failed.
func TestMemoryIsBoundedWhenADebuggerPrintsAnEndlessLine(t *testing.T) {
	within(t, 60*time.Second)
	program(t, "threads") // its compiler is the fixtures' too
	script := filepath.Join(t.TempDir(), "endless.sh")
	const text = "printf '{'\nhead -c 100000000 /dev/zero | tr '\\0' a\necho\n"
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// A process starts with its parent's peak, and execve(2) keeps it: measure that first.
	inherited := exec.Command("true")
	if err := inherited.Run(); err != nil {
		t.Fatal(err)
	}
	most := peak(inherited) + 64<<10
	cmd := exec.Command("tidcheck", "run", "--run=^fork/", "--command=sh "+script)
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.String(); got != "exit status 1" {
		t.Errorf("got %s, want exit status 1", got)
	}
	const want = "line 1 of its output is longer than 1048576 bytes\n"
	if got := strings.Count(string(out), want); got != 5 {
		t.Errorf("%d scenarios name the long line, want 5:\n%s", got, out)
	}
	if got := peak(cmd); got > most {
		t.Errorf("tidcheck needed %d KiB, want at most %d", got, most)
	}
}

// peak is the most memory that a process had, in KiB.
func peak(cmd *exec.Cmd) int64 { return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss }
