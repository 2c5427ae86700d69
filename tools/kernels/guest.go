//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// guestRuns are what is run below each kernel, and the status that is to come. An emulated machine
// is some twenty times slower.
var guestRuns = []struct {
	args   []string
	status int
}{
	{[]string{"run", "--time-scale", "30", "reference"}, 0},
	{[]string{
		"run", "--time-scale", "30", "--run", "^(fork|thread_nested|signal_one_thread)/", "book",
	}, 1},
}

// verdict is what begins the line that tells the host of an ended run.
const verdict = "kernels: "

// boot is the machine's first process.
func boot() {
	defer unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"},
		{"sysfs", "/sys"},
		{"devtmpfs", "/dev"},
		{"tmpfs", "/tmp"},
		{"cgroup2", "/sys/fs/cgroup"},
	} {
		os.MkdirAll(m.at, 0o755)
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			fmt.Printf("%smount %s: %v\n", verdict, m.at, err)
			return
		}
	}
	os.MkdirAll("/dev/pts", 0o755)
	unix.Mount("devpts", "/dev/pts", "devpts", 0, "") // for what needs a terminal
	os.Setenv("PATH", "/bin")
	os.Setenv("TIDCHECK_CACHE", "/cache")
	if len(os.Args) > 1 {
		guestRuns = guestRuns[:1]
		guestRuns[0].args = os.Args[1:]
	}
	for _, r := range guestRuns {
		run := exec.Command("/bin/tidcheck", r.args...)
		run.Stdout, run.Stderr = os.Stdout, os.Stdout
		err := run.Run()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			fmt.Printf("%s%v\n", verdict, err)
			continue
		}
		got := run.ProcessState.ExitCode()
		fmt.Printf("%sstatus %d, want %d: tidcheck %s\n", verdict, got, r.status,
			strings.Join(r.args, " "))
	}
}

// compile prints the version of the compiler in whose place it is. It builds nothing: all is built.
func compile(name string) {
	asked := strings.ReplaceAll(strings.Join(append([]string{name}, os.Args[1:]...), "_"), "/", "")
	text, err := os.ReadFile("/versions/" + asked)
	if err != nil {
		fmt.Fprintln(os.Stderr, "this machine has no compiler:", err)
		os.Exit(1)
	}
	os.Stdout.Write(text)
}

// show prints what the machine's console says, but for what passed, and tells how its runs ended,
// of which there are to be so many.
func show(console io.Reader, want int) error {
	var failed []error
	runs := 0
	for lines, end := bufio.NewReader(console), error(nil); end == nil; {
		var line string
		line, end = lines.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if !strings.HasPrefix(line, "PASS ") {
			fmt.Println(line)
		}
		if ended, ok := strings.CutPrefix(line, verdict); ok {
			var got, want int
			fmt.Sscanf(ended, "status %d, want %d", &got, &want)
			if got != want || !strings.HasPrefix(ended, "status ") {
				failed = append(failed, errors.New(ended))
			}
			runs++
		}
	}
	if runs < want {
		failed = append(failed, fmt.Errorf("%d of %d runs came to their end", runs, want))
	}
	return errors.Join(failed...)
}
