package testproc

import (
	"os/exec"
	"testing"

	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) { Main(m, nil) }

func TestTheGoCommandLeavesNoProcessInANewHome(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command: ", err)
	}
	for range 5 {
		t.Setenv("HOME", t.TempDir())
		t.Setenv("XDG_CONFIG_HOME", "")
		out, err := exec.Command("go", "version").CombinedOutput()
		assert.NilError(t, err, "%s", out)
		assert.DeepEqual(t, leftovers(), []string(nil))
	}
}
