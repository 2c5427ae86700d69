//go:build amd64 || arm64

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// signalled is a program of its own. It runs a command once for each moment, sends it a signal at
// that moment, and waits until none of its descendants is left:
//
//	signalled SIGNAL MOMENT,MOMENT… COMMAND ARG…
//
// Moments count from the command's start or, with a + before SIGNAL, from its first line. For each
// command it prints how that ended, and how long after the signal.
func signalled() {
	name, afterLine := strings.CutPrefix(os.Args[1], "+")
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	for moment := range strings.SplitSeq(os.Args[2], ",") {
		d, err := time.ParseDuration(moment)
		if err == nil {
			err = signalOnce(unix.SignalNum(name), afterLine, d, os.Args[3:])
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s %s at %s: %v\n", name, os.Args[3:], moment, err)
			os.Exit(1)
		}
	}
}

func signalOnce(sig syscall.Signal, afterLine bool, moment time.Duration, argv []string) error {
	input, ours, err := os.Pipe() // it stays open while a process may be left
	if err != nil {
		return err
	}
	defer ours.Close()
	defer input.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stderr = input, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	lines := bufio.NewReader(out)
	if afterLine {
		lines.ReadString('\n') // an error means that it has ended
	}
	go io.Copy(io.Discard, lines)
	over := make(chan *os.ProcessState, 1)
	go func() {
		state, _ := cmd.Process.Wait() // cmd.Wait would wait for all processes that have its output
		over <- state
	}()
	select {
	case <-time.After(moment): // sleep: the moment is what is tested
		begin := time.Now()
		cmd.Process.Signal(sig) // an error means that it has just ended
		fmt.Printf("%v after %v\n", <-over, time.Since(begin))
	case state := <-over:
		fmt.Printf("%v before the signal\n", state)
	}
	return nothingLeft()
}

// nothingLeft waits until we have no children. The wait is short: a process that does not end by
// itself soon never ends.
func nothingLeft() error {
	over := make(chan struct{})
	go func() {
		reapAll()
		close(over)
	}()
	select {
	case <-over:
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("left behind:\n" + endAll(isChild))
	}
}

// signalAt runs the program signalled with a folder for temporary files, which must be empty at the
// end. It returns what the program printed and what the commands wrote to standard error.
func signalAt(
	t *testing.T, signal string, moments []time.Duration, argv ...string,
) (printed, said string) {
	t.Helper()
	words := make([]string, len(moments))
	for i, m := range moments {
		words[i] = m.String()
	}
	temp := t.TempDir()
	cmd := exec.Command("signalled", append([]string{signal, strings.Join(words, ",")}, argv...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%v\n%s", err, stderr.String())
	}
	files, err := os.ReadDir(temp)
	if err != nil || len(files) > 0 {
		t.Errorf("temporary files are left: %v %v", files, err)
	}
	return stdout.String(), stderr.String()
}
