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

// A line of 100 MB: what is kept of it is bounded, and it is a failure of who printed it.
func TestMemoryIsBoundedWhenADebuggerPrintsAnEndlessLine(t *testing.T) {
	within(t, 60*time.Second)
	program(t, "threads") // its compiler is the fixtures' too
	script := filepath.Join(t.TempDir(), "endless.sh")
	if err := os.WriteFile(script, []byte("printf '{'\nhead -c 100000000 /dev/zero | tr '\\0' a\necho\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A process starts with its parent's peak, which execve(2) takes over, so ours is not its own.
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
	if got := strings.Count(string(out), "line 1 of its output is longer than 1048576 bytes\n"); got != 5 {
		t.Errorf("%d scenarios name the long line, want 5:\n%s", got, out)
	}
	if got := peak(cmd); got > most {
		t.Errorf("tidcheck needed %d KiB, want at most %d", got, most)
	}
}

// peak is how much memory a process had at most, in KiB.
func peak(cmd *exec.Cmd) int64 { return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss }
