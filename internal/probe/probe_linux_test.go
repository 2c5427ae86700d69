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

func TestACgroupWithAFreezerIsMadeAsItsTrySays(t *testing.T) {
	parent, err := Cgroup()
	if err != nil {
		t.Skip(err)
	}
	dir, made := os.MkdirTemp(parent, "tidcheck-probe-")
	if made == nil {
		_, made = os.Stat(filepath.Join(dir, "cgroup.freeze"))
		assert.NilError(t, os.Remove(dir))
	}
	tried := Try("freezer")
	assert.Equal(t, tried == nil, made == nil, "tried: %v, made: %v", tried, made)
}
