package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/gdb"
	"github.com/tidcheck/tidcheck/debuggers/lldb"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

// fakeMakers are what ladder.sh calls, as scripts: apt-get downloads a package that has the
// programs of every version, and each call of one is a line in $CALLS. The command in $FAILS fails
// where its arguments have $AT.
var fakeMakers = map[string]string{
	"apt-get": `case "$*" in
indextargets*) echo "Other http://else"; echo "Debian http://mirror" ;;
*install*) : >"${APT_CONFIG%/conf}/cache/archives/all.deb" ;;
esac`,
	"dpkg-deb": `case $1 in
--extract) mkdir -p "$3/lib/x86_64-linux-gnu" "$3/usr/bin"
	: >"$3/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" ;;
--show) printf 'gdb 1:7.2-3\nstrace 6.13+ds-1\n' ;;
esac`,
	"go": `mkdir -p "$GOBIN" && : >"$GOBIN/dlv" && chmod 755 "$GOBIN/dlv"`,
}

// makeLadder runs ladder.sh over fakes, one of which may fail, and returns which were called.
func makeLadder(t *testing.T, folder, fails, at string) (calls string, err error) {
	t.Helper()
	bin := t.TempDir()
	list := filepath.Join(bin, "calls")
	for name, text := range fakeMakers {
		text = "#!/bin/sh\necho " + name + " \"$*\" >>\"$CALLS\"\n" + text + `
case "$FAILS $*" in "` + name + ` "*"$AT"*) exit 7 ;; esac
`
		assert.NilError(t, os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755))
	}
	cmd := exec.Command("sh", "../../tools/ladder/ladder.sh", folder)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CALLS="+list,
		"FAILS="+fails, "AT="+at)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	said, _ := os.ReadFile(list) // nothing was called
	return string(said), err
}

// An interrupted make ladder can be repeated: it does what is missing, and nothing that is half
// made counts until then.
func TestALadderIsMadeInAnyNumberOfRuns(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "of ladder")
	t.Setenv(ladderVariable, folder)
	versions := func(name string) string {
		return strings.Join(find(name, configurations("", nil)).versions(), " ")
	}
	_, err := makeLadder(t, folder, "dpkg-deb", "trixie")
	assert.ErrorContains(t, err, "exit status 7")
	assert.Equal(t, versions("gdb"), "")

	_, err = makeLadder(t, folder, "go", "1.24.2")
	assert.ErrorContains(t, err, "exit status 7")
	assert.Equal(t, versions("gdb"), "7.2")
	assert.Equal(t, versions("gdbserver-allstop"), "7.2")
	assert.Equal(t, versions("strace"), "6.13")
	assert.Equal(t, versions("lldb"), "11 14 16 19 22")
	assert.Equal(t, versions("lldbserver"), "11 14 16 19 22")
	assert.Equal(t, versions("delve"), "1.20.2 1.22.1")
	assert.Equal(t, versions("reference"), "")

	calls, err := makeLadder(t, folder, "", "")
	assert.NilError(t, err)
	assert.Equal(t, versions("delve"), "1.20.2 1.22.1 1.24.2 1.26.3 1.27.2")
	assert.Equal(t, strings.Count(calls, "go install"), 3, calls)
	assert.Equal(t, strings.Count(calls, "dpkg-deb"), 0, calls)
}

func TestAVersionIsADebuggerOfTheLadder(t *testing.T) {
	folder := t.TempDir()
	t.Setenv(ladderVariable, folder)
	for _, program := range []string{
		"gdb/9.2/gdb", "gdb/18.1/gdb", "gdb/.19.1/gdb", "lldb/16/lldb-server",
		"lldb/16/lldb-vscode",
	} {
		path := filepath.Join(folder, program)
		assert.NilError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		assert.NilError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755))
	}
	chosen, err := choose(
		[]string{"gdb", "gdb@18.1", "gdb-nonstop@9.2", "lldb@16"}, offer{}, nil)
	assert.NilError(t, err)
	assert.DeepEqual(
		t, namesOf(chosen), []string{"gdb", "gdb@18.1", "gdb-nonstop@9.2", "lldb@16"})
	second, _ := harness.As[gdb.Debugger](chosen[1])
	assert.Equal(t, second.Path, filepath.Join(folder, "gdb/18.1/gdb"))
	third, _ := harness.As[gdb.Debugger](chosen[2])
	assert.Assert(t, third.NonStop)
	last, _ := harness.As[lldb.Debugger](chosen[3])
	assert.Equal(t, last.Path, filepath.Join(folder, "lldb/16/lldb-vscode"))

	again := (&runRequest{}).again("gdb@18.1", harness.Scenario{})
	assert.Assert(t, strings.HasSuffix(again, " gdb@18.1"), again)
	for text, want := range map[string]string{
		"gdb@17.1":       "there is no gdb@17.1: " + folder + " has 9.2, 18.1 (make ladder ",
		"gdb@.19.1":      "there is no gdb@.19.1: " + folder + " has 9.2, 18.1 ",
		"gdb@../gdb/9.2": "there is no gdb@../gdb/9.2: ",
		"gdb@":           "there is no gdb@: ",
		"strace@6.1": "there is no strace@6.1: " + folder + " has no version of it (make " +
			"ladder ",
		"book@1":   "book@1: book is part of tidcheck and has no versions",
		"nosuch@1": `there is no debugger "nosuch"; there are `,
	} {
		_, err := choose([]string{"gdb", text}, offer{}, nil)
		assert.ErrorContains(t, err, want)
	}
	_, err = choose([]string{"gdb@18.1", "gdb@18.1"}, offer{}, nil)
	assert.ErrorContains(t, err, "gdb@18.1 is named twice")
	chosen, err = choose([]string{"gdb@18.1"}, offer{lines: "true"}, nil)
	assert.NilError(t, err)
	assert.Equal(t, len(chosen), 2, "NAME@VERSION does not name the offered debugger")
}
