package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A test is one test function, and what it did when it ran alone.
type test struct {
	name    string
	took    time.Duration
	reaches map[int]bool
}

// An outcome is what came of a mutant.
type outcome string

const (
	killed     outcome = "killed"
	timedOut   outcome = "timed out"
	survived   outcome = "survived"
	notReached outcome = "not reached" // by any test
)

// run runs the test binary in a pid namespace of its own. A shell is the namespace's first process,
// so that the test binary is an ordinary one; all in it ends with the shell, and that with unshare.
func (b *binary) run(
	ctx context.Context, limit time.Duration, env []string, args ...string,
) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	apart := []string{"--pid", "--fork", "--kill-child", "--mount-proc"}
	if os.Geteuid() != 0 {
		apart = append(apart, "--user", "--map-root-user")
	}
	apart = append(apart, "--", "sh", "-c", `"$@"; exit $?`, "sh", b.path)
	cmd := exec.CommandContext(ctx, "unshare", append(apart, args...)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 5 * time.Second // what a mutant left may have our pipe
	err := cmd.Run()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return said.String(), err
}

// exactly is the flag that runs these tests.
func exactly(tests []test) string {
	var names []string
	for _, t := range tests {
		names = append(names, t.name)
	}
	return "-test.run=^(" + strings.Join(names, "|") + ")$"
}

// findReach runs each test alone, without a mutant, and sorts the tests by their times.
func (b *binary) findReach(
	ctx context.Context, tests string, skipped *regexp.Regexp, limit time.Duration,
) error {
	out, err := b.run(ctx, limit, nil, "-test.list="+tests)
	if err != nil {
		return fmt.Errorf("the list of tests: %w\n%s", err, out)
	}
	for _, name := range strings.Fields(out) {
		if strings.HasPrefix(name, "Benchmark") || skipped.MatchString(name) {
			continue
		}
		t := test{name: name, reaches: make(map[int]bool)}
		file := filepath.Join(b.temp, "reach")
		start := time.Now()
		out, err := b.run(ctx, 10*limit, []string{"MUTANT_REACH=" + file}, exactly([]test{t}))
		t.took = time.Since(start)
		if err != nil {
			return fmt.Errorf("%s fails without a mutant: %w\n%s", name, err, out)
		}
		reached, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		os.Remove(file)
		for _, id := range strings.Fields(string(reached)) {
			n, _ := strconv.Atoi(id)
			t.reaches[n] = true
		}
		b.tests = append(b.tests, t)
	}
	slices.SortFunc(b.tests, func(x, y test) int { return cmp.Compare(x.took, y.took) })
	if len(b.tests) == 0 {
		return fmt.Errorf("no test matches %q", tests)
	}
	return nil
}

// try runs the tests that come by a mutant with the mutant on. Each round takes about as long as
// all before it, so that a mutant that a quick test kills costs little.
func (b *binary) try(ctx context.Context, m mutant, limit time.Duration) outcome {
	var round []test
	var took, before time.Duration
	reached := false
	env := []string{"MUTANT=" + strconv.Itoa(m.id)}
	for i, t := range b.tests {
		if t.reaches[m.id] {
			reached = true
			round = append(round, t)
			took += t.took
		}
		if len(round) == 0 || took < before+b.tests[0].took*4 && i < len(b.tests)-1 {
			continue
		}
		switch result := b.hold(ctx, round, max(limit, 10*took), env); {
		case result == timedOut && len(round) > 1:
			return b.oneByOne(ctx, round, limit, env)
		case result != survived:
			return result
		}
		before, took, round = before+took, 0, nil
	}
	if !reached {
		return notReached
	}
	return survived
}

// hold runs some tests with a mutant on.
func (b *binary) hold(
	ctx context.Context, tests []test, limit time.Duration, env []string,
) outcome {
	_, err := b.run(ctx, limit, env, exactly(tests), "-test.failfast")
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return timedOut
	case err != nil:
		return killed
	}
	return survived
}

// oneByOne runs tests of which one has hung, each alone: another may say what is wrong. They share
// the time that is left to the mutant.
func (b *binary) oneByOne(
	ctx context.Context, tests []test, limit time.Duration, env []string,
) outcome {
	for _, t := range tests {
		if b.hold(ctx, []test{t}, max(limit/time.Duration(len(tests)), 2*t.took), env) == killed {
			return killed
		}
	}
	return timedOut
}
