package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/debuggers/command"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
)

// checkCommand judges a run that was recorded: whether a kernel can do what the events say, one after the other,
// and whether they are what a fixture's head declares.
func checkCommand(ctx context.Context, c *invocation) (int, error) {
	program := c.flags.String("program", "", "compare with what this `fixture` of the catalogue declares: the program was launched, or met at its gate")
	var params words
	c.flags.Var(&params, "param", "a parameter that the program was given, `NAME=VALUE`; may be given more than once, and by hand is the default")
	if err := c.parse(); err != nil {
		return harnessError, err
	}
	if c.flags.NArg() != 1 {
		return harnessError, errors.New("name one file of events, a JSON object a line (- is standard input)")
	}
	if *program == "" && len(params) > 0 {
		return harnessError, errors.New("--param: name the --program that it was given to")
	}
	var expected *event.Expected
	if *program != "" {
		x, err := declaredBy(ctx, *program, params)
		if err != nil {
			return harnessError, err
		}
		expected = &x
	}
	family, impossible, err := readRecorded(c.flags.Arg(0))
	if err != nil {
		return harnessError, err
	}
	for _, what := range impossible {
		fmt.Fprintf(c.stdout, "FAIL        %s\n", what)
	}
	diff := ""
	if expected != nil {
		want, got := expected.Compare(family.Form(), event.Traced)
		if diff = cmp.Diff(want, got); diff != "" {
			fmt.Fprintf(c.stdout, "FAIL        it is not what %s declares (-declared +recorded):\n%s", *program, diff)
		}
	}
	if diff != "" || len(impossible) > 0 {
		return notConforming, nil
	}
	fmt.Fprintf(c.stdout, "PASS        %d tasks\n", len(family.Lives()))
	return asExpected, nil
}

// declaredBy is what a fixture's head declares on this kernel for the parameters that are given, and else its defaults by hand.
func declaredBy(ctx context.Context, name string, params []string) (event.Expected, error) {
	f, err := fixtureNamed(name)
	if err == nil {
		f, err = f.ByHand(params...)
	}
	if err != nil {
		return event.Expected{}, err
	}
	version, err := event.ParseKernel(harness.ThisMachine(ctx).Kernel)
	if err != nil {
		return event.Expected{}, err
	}
	return f.Expected(version)
}

// readRecorded follows the events of a file, and tells which of them are not possible. What a debugger said of
// itself is passed over.
func readRecorded(name string) (family *event.Family, impossible []string, err error) {
	file := os.Stdin
	if name != "-" {
		if file, err = os.Open(name); err != nil {
			return nil, nil, err
		}
		defer file.Close()
	}
	family = &event.Family{}
	lines := bufio.NewScanner(io.Reader(file))
	lines.Buffer(nil, harness.MaxLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 || line[0] != '{' {
			continue
		}
		if command.IsTalk(line) {
			continue
		}
		l, err := event.ParseJSON(line)
		if err != nil {
			return nil, nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if _, err := family.Add(l.Event); err != nil {
			impossible = append(impossible, fmt.Sprintf("%s:%d: %v", name, n, err))
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, nil, fmt.Errorf("%s:%d: a line is longer than %d bytes", name, n+1, harness.MaxLine)
	}
	if len(family.Lives()) == 0 && len(impossible) == 0 && lines.Err() == nil {
		return nil, nil, fmt.Errorf("%s: there are no events in it", name)
	}
	return family, impossible, lines.Err()
}
