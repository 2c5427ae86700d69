package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// templates are whole fixtures, which pass as they are; tests run them.
//
//go:embed template
var templates embed.FS

// newCommand writes a fixture that its author then changes.
func newCommand(_ context.Context, c *invocation) (int, error) {
	inGo := c.flags.Bool("go", false, "write a Go program, NAME/main.go, in place of NAME.c")
	if err := c.parse(); err != nil {
		return harnessError, err
	}
	name := c.flags.Arg(0)
	switch {
	case c.flags.NArg() != 1:
		return harnessError, errors.New("name one fixture, such as thread_in_a_hurry")
	case !fixtureName.MatchString(name):
		return harnessError, fmt.Errorf("%q is no name for a fixture: write GROUP_BEHAVIOUR, in small letters, digits and _", name)
	}
	template, file := "template/fixture.c", name+".c"
	if *inGo {
		template, file = "template/main.go.txt", filepath.Join(name, "main.go")
		if err := os.Mkdir(name, 0o777); err != nil {
			return harnessError, err
		}
	}
	text, err := templates.ReadFile(template)
	if err != nil {
		return harnessError, err
	}
	if err := writeNew(file, text); err != nil {
		return harnessError, err
	}
	fmt.Fprintf(c.stdout, "%s is written. To run it: tidcheck run --fixture %s reference\n", file, file)
	return asExpected, nil
}

var fixtureName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// writeNew writes a file that must not be there yet.
func writeNew(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}
