package harness

import (
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

func TestAnIsolatedEnvironmentHasNoUsersConfiguration(t *testing.T) {
	k := newKeeper(t)
	target := Target{keeper: k, Env: []string{
		"HOME=/root", "XDG_DATA_HOME=/x", "PATH=" + os.Getenv("PATH"), "LC_MESSAGES=de",
		"DEBUGINFOD_URLS=http://x",
	}}
	home, err := target.Home()
	assert.NilError(t, err)
	env, err := target.IsolatedEnv()
	assert.NilError(t, err)
	// A shell would tell of the last HOME alone.
	said, err := k.Output(t.Context(), Spec{Argv: []string{"env"}, Env: env})
	assert.NilError(t, err)
	for _, gone := range []string{"XDG_DATA_HOME", "DEBUGINFOD_URLS", "LC_MESSAGES"} {
		assert.Assert(t, !strings.Contains(said, gone+"="), said)
	}
	assert.Equal(t, strings.Count("\n"+said, "\nHOME="), 1, said)
	assert.Assert(t, strings.Contains("\n"+said, "\nHOME="+home+"\n"), said)
	const writes = `mkdir -p "$HOME/a/b" && echo x >"$HOME/a/b/c" && cat "$HOME/a/b/c"`
	said, err = k.Output(t.Context(), Spec{Argv: []string{"sh", "-c", writes}, Env: env})
	assert.NilError(t, err)
	assert.Equal(t, said, "x\n")
}

func TestATargetWithoutATranscriptKeepsNothing(t *testing.T) {
	var target Target
	target.Note('<', []byte("a line\n")) // and does not fail
	assert.Assert(t, target.log == nil)
}
