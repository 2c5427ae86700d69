package report_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidcheck/tidcheck/report"
	"gotest.tools/v3/assert"
)

func says(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func content(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	assert.NilError(t, err)
	return string(text)
}

// isAlone tells that nothing is left in a file's folder beside it.
func isAlone(t *testing.T, name string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(name))
	assert.NilError(t, err)
	assert.Equal(t, len(entries), 1, "%v", entries)
}

func TestAWriteThatFailsLeavesTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "results.json")
	assert.NilError(t, os.WriteFile(name, []byte("before"), 0o640))
	f, err := report.Create(name)
	assert.NilError(t, err)
	failed := errors.New("no more")
	err = f.Write(func(w io.Writer) error {
		fmt.Fprint(w, "half")
		return failed
	})
	assert.ErrorContains(t, err, "write "+name+": no more")
	assert.Equal(t, content(t, name), "before")
	isAlone(t, name)

	assert.NilError(t, f.Write(says("after")))
	assert.Equal(t, content(t, name), "after")
	isAlone(t, name)
	info, err := os.Stat(name)
	assert.NilError(t, err)
	assert.Equal(t, info.Mode().Perm(), os.FileMode(0o640))
}

func TestANewFileIsNotThereBeforeItIsWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "results.json")
	f, err := report.Create(name)
	assert.NilError(t, err)
	_, err = os.Stat(name)
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.NilError(t, f.Write(says("text")))
	assert.Equal(t, content(t, name), "text")
	isAlone(t, name)
}

func TestASymbolicLinkIsFollowed(t *testing.T) {
	target := filepath.Join(t.TempDir(), "results.json")
	link := filepath.Join(t.TempDir(), "link")
	assert.NilError(t, os.WriteFile(target, nil, 0o600))
	assert.NilError(t, os.Symlink(target, link))
	f, err := report.Create(link)
	assert.NilError(t, err)
	assert.NilError(t, f.Write(says("text")))
	assert.Equal(t, content(t, target), "text")
	info, err := os.Lstat(link)
	assert.NilError(t, err)
	assert.Assert(t, info.Mode()&os.ModeSymlink != 0, "the link is no link any more")
}

func TestADeviceIsWrittenInPlace(t *testing.T) {
	f, err := report.Create("/dev/full")
	assert.NilError(t, err)
	assert.ErrorContains(t, f.Write(says("text")), "no space left")
	f, err = report.Create(os.DevNull)
	assert.NilError(t, err)
	assert.NilError(t, f.Write(says("text")))
}

func TestAFileThatCannotBeIsToldAtOnce(t *testing.T) {
	_, err := report.Create(filepath.Join(t.TempDir(), "nosuch", "a.json"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = report.Create(t.TempDir())
	assert.ErrorContains(t, err, "is a directory")
}
