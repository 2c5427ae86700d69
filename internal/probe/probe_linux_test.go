package probe

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"
)

// What a try leaves behind, or breaks, the next one meets.
func TestEachTryCanBeRepeated(t *testing.T) {
	for need := range probes {
		t.Run(need, func(t *testing.T) {
			first := Try(need)
			for range 10 {
				assert.Equal(t, Try(need) == nil, first == nil)
			}
			if first != nil {
				t.Log(first)
			}
		})
	}
}

func TestWhatCannotBeTriedIsNotToBeHad(t *testing.T) {
	assert.ErrorIs(t, Try("luck"), errors.ErrUnsupported)
}

func TestAFreezerThatWasTriedIsGone(t *testing.T) {
	if err := Try("freezer"); err != nil {
		t.Skip(err)
	}
	parent, err := Cgroup()
	assert.NilError(t, err)
	left, err := filepath.Glob(filepath.Join(parent, "tidcheck-probe-*"))
	assert.NilError(t, err)
	for _, dir := range left { // another process may be at it
		_, err := os.Stat(dir)
		assert.Check(t, errors.Is(err, os.ErrNotExist), dir)
	}
}
