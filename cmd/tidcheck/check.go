package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/debuggers/command"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/report"
)

// checkCommand judges what was recorded earlier. A run that was kept is judged by all rules. A file
// of events is judged by what a kernel can do and, with --program, by what a fixture declares.
func checkCommand(c *invocation) action {
	known := c.Flags().String("known", "",
		"with FOLDER: expect the failures of the findings in this `path`, as run --known does")
	program := c.Flags().String("program", "",
		"with EVENTS.jsonl: compare the events with what this `fixture` declares for a launch, "+
			"or for an attach at its gate")
	var params []string
	listVar(c.Flags(), &params, "param",
		"with --program: a parameter of the fixture, `NAME=VALUE`; may be given more than once")
	c.Long += `

FOLDER is the folder of one run, below that of run --keep. The run is judged by its evidence.json
alone, and the output is what run printed.
EVENTS.jsonl has one JSON object a line, as trace --json prints them; - is standard input. The
events must be possible: for example, a task ends once and does nothing after that.`
	return func(ctx context.Context, args []string) error {
		if len(args) != 1 {
			return errors.New("name one folder of a kept run, or one file of events")
		}
		name := args[0]
		info, err := os.Stat(name)
		isFolder := err == nil && info.IsDir()
		switch {
		case isFolder && (*program != "" || params != nil):
			return errors.New("--program and --param are for a file of events, not for a kept run")
		case isFolder:
			return c.checkKept(name, *known)
		case *known != "":
			return errors.New("--known is for the folder of a kept run, not for a file of events")
		case *program == "" && params != nil:
			return errors.New("--param: name the fixture with --program")
		}
		return c.checkEvents(ctx, name, *program, params)
	}
}

// checkKept judges a kept run again and prints what run printed.
func (c *invocation) checkKept(folder, knownFile string) error {
	result, err := harness.JudgeKept(filepath.Clean(folder))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w (name one run's folder, such as %s)",
			err, filepath.Join(folder, "reference", "fork-launch"))
	case err != nil:
		return err
	}
	var own []harness.Scenario // the user's file may be about the run's own fixture
	for _, r := range result.Results {
		fixture := fixtures.Fixture{Name: r.Scenario}
		own = append(own, harness.Scenario{Fixture: fixture, Mode: r.Mode})
	}
	known, err := everyKnown(knownFile, own)
	if err != nil {
		return err
	}
	for i, r := range result.Results {
		result.Results[i] = known.Expect(r)
	}
	printer := report.Printer{Out: os.Stdout, All: true, Like: known.Like}
	printer.Begin()
	printer.Print(result.Results)
	(&runRequest{printer: printer}).summarize(result)
	c.status = report.Status(result)
	return nil
}

// checkEvents judges a file of events.
func (c *invocation) checkEvents(
	ctx context.Context, name, program string, params []string,
) error {
	var expected event.Expected
	var err error
	if program != "" {
		if expected, err = declaredBy(ctx, program, params); err != nil {
			return err
		}
	}
	family, impossible, err := readEvents(name)
	if err != nil {
		return err
	}
	for _, what := range impossible {
		fmt.Printf("FAIL        %s\n", what)
		c.status = notConforming
	}
	if program != "" {
		want, got := expected.Compare(family.Form(), event.Traced)
		if diff := cmp.Diff(want, got); diff != "" {
			fmt.Printf("FAIL        %s declares otherwise (-declared +recorded):\n%s",
				program, diff)
			c.status = notConforming
		}
	}
	if c.status == asExpected {
		fmt.Printf("PASS        %s\n", plural(len(family.Lives()), "task"))
	}
	return nil
}

// declaredBy is what a fixture declares on this kernel, with the given parameters and else those
// that it has when it is run by hand.
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

// readEvents reads a file of events and tells which of them are impossible. It skips lines that are
// no JSON objects, and what a debugger says of itself and not of the program.
func readEvents(name string) (family *event.Family, impossible []string, err error) {
	file := os.Stdin
	if name != "-" {
		if file, err = os.Open(name); err != nil {
			return nil, nil, err
		}
		defer file.Close()
	}
	family = &event.Family{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, adapter.MaxLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 || line[0] != '{' || command.IsTalk(line) {
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
	switch {
	case errors.Is(lines.Err(), bufio.ErrTooLong):
		err = fmt.Errorf("%s:%d: the line is longer than %d bytes", name, n+1, adapter.MaxLine)
	case lines.Err() != nil:
		err = fmt.Errorf("%s: %w", name, lines.Err())
	case len(family.Lives()) == 0 && len(impossible) == 0:
		err = fmt.Errorf("%s: the file has no events", name)
	}
	return family, impossible, err
}
