package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// The templates are whole fixtures that pass as they are; a test runs them.
var (
	//go:embed template/fixture.c
	templateInC []byte
	//go:embed template/main.go.txt
	templateInGo []byte
)

var fixtureName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// newCommand writes a fixture for its author to change.
func newCommand(_ context.Context, c *invocation) error {
	inGo := c.flags.Bool("go", false, "write a Go program, NAME/main.go, instead of NAME.c")
	if err := c.parse(); err != nil {
		return err
	}
	name := c.flags.Arg(0)
	switch {
	case c.flags.NArg() != 1:
		return errors.New("name one fixture, for example thread_in_a_hurry")
	case !fixtureName.MatchString(name):
		return fmt.Errorf("%q cannot name a fixture: write GROUP_BEHAVIOUR in a-z, 0-9, _", name)
	}
	text, file := templateInC, name+".c"
	if *inGo {
		text, file = templateInGo, filepath.Join(name, "main.go")
		if err := os.Mkdir(name, 0o777); err != nil {
			return err
		}
	}
	if err := writeNew(file, text); err != nil {
		return err
	}
	fmt.Printf("wrote %s; to run it: tidcheck run --fixture %s reference\n", file, file)
	return nil
}

// writeNew writes a file that must not exist yet.
func writeNew(name string, text []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}
