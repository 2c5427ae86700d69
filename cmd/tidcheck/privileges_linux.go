//go:build amd64 || arm64

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/tidcheck/tidcheck/internal/probe"
	"github.com/tidcheck/tidcheck/tracer"
)

// tryPtrace traces a program from its first instruction to its end.
func tryPtrace(context.Context) (string, error) {
	cmd := exec.Command("true")
	t, err := tracer.Launch(cmd, tracer.Options{})
	if err != nil {
		return "", err
	}
	if err := t.Resume(); err != nil {
		return "", errors.Join(err, t.Kill())
	}
	_, err = t.Wait()
	return "launch", err
}

// tryAttach has a second tidcheck attach to a process that it did not start: Yama always permits an
// attach to one's own child, so that would prove nothing.
func tryAttach(ctx context.Context) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	target := exec.CommandContext(ctx, "cat")
	hold, err := target.StdinPipe() // cat ends when it is closed
	if err != nil {
		return "", err
	}
	if err := target.Start(); err != nil {
		return "", err
	}
	defer func() {
		hold.Close()
		target.Wait()
	}()
	pid := strconv.Itoa(target.Process.Pid)
	tracing := exec.CommandContext(ctx, self, "trace", "--json", "-p", pid)
	var complaint bytes.Buffer
	tracing.Stderr = &complaint
	out, err := tracing.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := tracing.Start(); err != nil {
		return "", err
	}
	_, readErr := out.Read(make([]byte, 1))
	tracing.Process.Signal(os.Interrupt) // an error means that it has ended
	err = tracing.Wait()
	if readErr != nil && err != nil {
		return "", errors.New(strings.TrimSpace(complaint.String()))
	}
	return "attach", nil
}

// tryCgroup tells whether a cgroup can be made below our own.
func tryCgroup(context.Context) (string, error) { return "version 2", probe.Try("freezer") }
