package adapter

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

func TestAProgramIsFound(t *testing.T) {
	for _, c := range []struct{ there, want string }{
		{"dbg", "dbg"},
		{"odb dbg", "dbg"},
		{"odb", "odb"},
		{"dbg-7 odb", "odb"},
		{"dbg-7 odb-12 dbg-9x dbg-", "odb-12"},
		{"dbg-7 odb-7", "dbg-7"},
		{"-dbg-9 dbg-7", "dbg-7"}, // the first cannot be executed
		{"-dbg folder/dbg", "folder/dbg"},
		{"dbg-7 folder/odb", "folder/odb"},
	} {
		dir := t.TempDir()
		assert.NilError(t, os.Mkdir(dir+"/folder", 0o755))
		for name := range strings.FieldsSeq(c.there) {
			mode := os.FileMode(0o755)
			if rest, plain := strings.CutPrefix(name, "-"); plain {
				name, mode = rest, 0o644
			}
			assert.NilError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), mode))
		}
		t.Setenv("PATH", "/nowhere:"+dir)
		p := Program{
			Names: []string{"dbg", "odb"}, Numbered: true,
			Folders: []string{dir + "/folder"},
		}
		got, err := p.Find()
		assert.NilError(t, err)
		assert.Equal(t, got, filepath.Join(dir, c.want), c.there)
	}
}

func TestAMissingProgramSaysHowToInstallIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	p := Program{Names: []string{"dbg", "odb"}, Install: "it is in the shop"}
	_, err := p.Find()
	assert.Error(
		t, err, `find dbg (it is in the shop): exec: "dbg": executable file not found in $PATH`)
	_, err = p.Version(t.Context(), regexp.MustCompile("(.)"), "-V")
	assert.ErrorContains(t, err, "find dbg (it is in the shop)")
	p = Program{Path: "/nowhere/dbg"}
	_, err = p.Find()
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "find dbg: ")
}

func TestAVersionIsReadFromWhatIsPrinted(t *testing.T) {
	line := regexp.MustCompile(`(?m)^dbg (\S+)$`)
	for _, c := range []struct{ name, text, want, err string }{
		{"on standard output", "echo a dbg; echo dbg 1.2", "1.2", ""},
		{"on standard error", "echo dbg 1.2 >&2", "1.2", ""},
		{"before it fails", "echo dbg 1.2; exit 3", "1.2", ""},
		{"by its argument", "echo dbg $1$FOO", "-Vbar", ""},
		{"not at all", "echo hello", "", " -V prints no version of dbg: is it dbg?"},
		{"and fails", "exit 3", "", " -V: exit status 3"},
		{"without an end", "exec yes", "", " -V: "},
	} {
		p := Program{Path: script(t, "dbg", c.text), Env: []string{"FOO=bar"}}
		got, err := p.Version(t.Context(), line, "-V")
		assert.Equal(t, got, c.want, c.name)
		if c.err == "" {
			assert.NilError(t, err, c.name)
		} else {
			assert.ErrorContains(t, err, p.Path+c.err)
		}
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Program{Path: script(t, "dbg", "exec sleep 100")}.Version(short, line)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

// A program is started in the run's own environment, with what is added to it.
func TestAProgramStartsIsolated(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", "/of/the/user")
	withTarget(t, func(ctx context.Context, target harness.Target) {
		said := make(chan string, 1)
		take := func(line []byte) error {
			said <- string(line)
			return nil
		}
		text := `echo "$1 $FOO $TERM $HOME"; test "$XDG_CONFIG_HOME" = "$HOME"`
		p := Program{Path: script(t, "dbg", text), Env: []string{"FOO=bar"}}
		l, err := p.Start(target, []string{"-x"}, Lines{Take: take}.Read)
		assert.NilError(t, err)
		got, err := Receive(ctx, l, said)
		assert.NilError(t, err)
		home, err := target.Home()
		assert.NilError(t, err)
		assert.Equal(t, got, "-x bar dumb "+home)
		assert.ErrorContains(t, l.Ended(ctx), "it ended with 0")
		_, err = Program{Path: "/nowhere/dbg"}.Start(target, nil, nil)
		assert.ErrorIs(t, err, os.ErrNotExist)
	})
}
