//go:build amd64 || arm64

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

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

// tryAttach has another process of ours attach to one that it did not start, since a child's is no test of yama.
func tryAttach(ctx context.Context) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	target := exec.CommandContext(ctx, "cat")
	hold, err := target.StdinPipe() // its end is cat's
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
	tracing := exec.CommandContext(ctx, self, "trace", "--json", "-p", strconv.Itoa(target.Process.Pid))
	var complaint bytes.Buffer
	tracing.Stderr = &complaint
	out, err := tracing.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := tracing.Start(); err != nil {
		return "", err
	}
	first := make([]byte, 1)
	_, readErr := out.Read(first)
	tracing.Process.Signal(os.Interrupt) // an error: it has ended
	err = tracing.Wait()
	if readErr != nil && err != nil {
		return "", errors.New(strings.TrimSpace(complaint.String()))
	}
	return "attach", nil
}

// tryCgroup makes a cgroup below ours, and removes it.
func tryCgroup(context.Context) (string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mounts)) {
		words := strings.Fields(line)
		if len(words) < 3 || words[2] != "cgroup2" {
			continue
		}
		dir := filepath.Join(words[1], ownCgroup(), fmt.Sprintf("tidcheck-doctor-%d", os.Getpid()))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return "", err
		}
		return "version 2", os.Remove(dir)
	}
	return "", errors.New("no cgroup2 is mounted")
}

// ownCgroup is our place in the tree of version 2, the root where it is not told.
func ownCgroup() string {
	text, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return path
		}
	}
	return "/"
}
