package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) { testproc.Main(m, map[string]func(){"build": buildMany}) }

// probe is a small program to build.
func probe(text string) Source {
	return Source{
		Name: "probe", Language: fixtures.C, Main: "probe.c",
		Files: map[string][]byte{"probe.c": []byte(text)},
	}
}

// buildMany builds the program of PROBE ten times at once, until it is interrupted, and prints the
// outcome of each.
func buildMany() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			program, err := Program(ctx, probe(os.Getenv("PROBE")))
			if err != nil {
				program = "error: " + strings.ReplaceAll(err.Error(), "\n", "|")
			}
			fmt.Println(program)
		})
	}
	group.Wait()
}

// A bench is a compiler that notes what it compiles, and a cache of its own.
type bench struct{ dir string }

func newBench(t *testing.T) bench {
	t.Helper()
	testproc.Alarm(t, 60*time.Second)
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no C compiler: ", err)
	}
	b := bench{t.TempDir()}
	b.cc(t, `for last; do :; done; echo "$last" >> `+b.dir+`/log; exec cc "$@"`)
	return b
}

// cc has the compiler be this script, but for the question of its version.
func (b bench) cc(t *testing.T, text string) {
	t.Helper()
	text = "#!/bin/sh\n[ \"$1\" = --version ] && exec echo cc 1\n" + text + "\n"
	assert.NilError(t, os.WriteFile(b.dir+"/cc", []byte(text), 0o755))
}

// command builds a text ten times in a process of its own.
func (b bench) command(text string) *exec.Cmd {
	return testproc.Playing("build", "PROBE="+text, "CC="+b.dir+"/cc",
		"TIDCHECK_CACHE="+b.dir+"/cache")
}

// build is what that printed, a line for each different outcome.
func (b bench) build(t *testing.T, text string) []string {
	t.Helper()
	out, err := b.command(text).CombinedOutput()
	assert.NilError(t, err, string(out))
	return outcomes(out)
}

func sortedLines(text []byte) []string {
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

func outcomes(out []byte) []string {
	return slices.Compact(sortedLines(out))
}

// compiled are the sources that the compiler was given, in order of their names.
func (b bench) compiled(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(b.dir + "/log")
	assert.NilError(t, err)
	return sortedLines(text)
}

const returns0 = "int main(void) { return 0; }\n"

func TestParallelBuildsInParallelProcessesCompileOnce(t *testing.T) {
	b := newBench(t)
	processes := make([]*exec.Cmd, 4)
	printed := make([]strings.Builder, len(processes))
	for i := range processes {
		processes[i] = b.command(returns0)
		processes[i].Stdout, processes[i].Stderr = &printed[i], &printed[i]
		assert.NilError(t, processes[i].Start())
	}
	all := ""
	for i, p := range processes {
		assert.NilError(t, p.Wait(), printed[i].String())
		all += printed[i].String()
	}
	assert.Equal(t, strings.Count(all, "\n"), 10*len(processes))
	got := outcomes([]byte(all))
	assert.Equal(t, len(got), 1, all)
	assert.DeepEqual(t, b.compiled(t), []string{"cfixtures/keeper.c", "probe.c"})
	assert.NilError(t, exec.Command(got[0]).Run())
}

func TestAChangedSourceIsBuiltAnew(t *testing.T) {
	b := newBench(t)
	first := b.build(t, returns0)
	again := b.build(t, returns0)
	assert.DeepEqual(t, again, first)
	changed := b.build(t, "int main(void) { return 7; }\n")
	assert.DeepEqual(t, b.compiled(t), []string{"cfixtures/keeper.c", "probe.c", "probe.c"})
	assert.Assert(t, changed[0] != first[0])
	assert.NilError(t, exec.Command(first[0]).Run())
	assert.Error(t, exec.Command(changed[0]).Run(), "exit status 7")
}

func TestAnotherCompilerBuildsAnew(t *testing.T) {
	b := newBench(t)
	first := b.build(t, returns0)
	text, err := os.ReadFile(b.dir + "/cc")
	assert.NilError(t, err)
	assert.NilError(t,
		os.WriteFile(b.dir+"/cc", []byte(strings.Replace(string(text), "cc 1", "cc 2", 1)), 0o755))
	assert.Assert(t, b.build(t, returns0)[0] != first[0])
}

func TestABuildThatFailsSaysWhatTheCompilerSaid(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ text, want string }{
		{"int main(void) { return nothing; }\n", "error: build probe: "},
		{"int main(void) { return 0 }\n", "expected"},
	} {
		got := b.build(t, c.text)
		assert.Equal(t, len(got), 1, "%q", got)
		assert.Assert(t,
			strings.Contains(got[0], c.want) && strings.HasPrefix(got[0],
				"error: build probe: "), "got %q", got[0])
		assert.Equal(t, strings.Count(got[0], "probe.c: In function"), 1,
			"the compiler's words come once: %q", got[0])
	}
	// What failed leaves nothing that a later build would take for the program.
	left, err := filepath.Glob(b.dir + "/cache/probe-*/probe*")
	assert.NilError(t, err)
	assert.Equal(t, len(left), 0, "%q", left)
}

// A newer compiler warns of more than ours.
func TestAWarningIsNoFailure(t *testing.T) {
	program := newBench(t).build(t, "int main(void) { int unused; return 0; }\n")
	assert.NilError(t, exec.Command(program[0]).Run())
}

func TestACompilerThatIsKilledLeavesNoProgram(t *testing.T) {
	b := newBench(t)
	b.build(t, returns0) // the keeper
	b.cc(t, `while [ "$1" != -o ]; do shift; done; : > "$2"; kill -9 $$`)
	got := b.build(t, "int main(void) { return 1; }\n")
	assert.Assert(t, strings.Contains(got[0], "status SIGKILL"), "got %q", got)
	b.cc(t, `exec cc "$@"`)
	program := b.build(t, "int main(void) { return 1; }\n")
	assert.Error(t, exec.Command(program[0]).Run(), "exit status 1")
}

func TestACompilerThatIsKilledLeavesNoTemporaryFiles(t *testing.T) {
	b := newBench(t)
	b.build(t, returns0) // the keeper
	b.cc(t, `echo "$(mktemp) $(TMPDIR=$GOTMPDIR mktemp)" >> `+b.dir+`/made; kill -9 $$`)
	got := b.build(t, "int main(void) { return 1; }\n")
	assert.Assert(t, strings.Contains(got[0], "status SIGKILL"), "got %q", got)
	made, err := os.ReadFile(b.dir + "/made")
	assert.NilError(t, err)
	files := strings.Fields(string(made))
	assert.Equal(t, len(files), 2*10)
	for _, file := range files {
		_, err := os.Stat(file)
		assert.Check(t, errors.Is(err, fs.ErrNotExist), "%s: %v", file, err)
		os.Remove(file)
	}
}

// The compiler of the keeper runs below no keeper, and removes its temporary files itself.
func TestACompilerIsInterruptedWithUs(t *testing.T) {
	b := newBench(t)
	b.cc(t, `trap 'echo interrupted; exit 1' INT; kill -INT $PPID
		while kill -0 $PPID 2>/dev/null; do :; done`)
	got := b.build(t, returns0)
	assert.Assert(t, strings.Contains(strings.Join(got, ""), "|interrupted|"), "got %q", got)
}

func TestACacheOfAnotherUserIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	b := newBench(t)
	assert.NilError(t, os.Mkdir(b.dir+"/cache", 0o777))
	assert.NilError(t, os.Chown(b.dir+"/cache", 64321, 64321))
	got := b.build(t, returns0)
	want := "error: use the cache of built fixtures " + b.dir +
		"/cache: it belongs to another user: set TIDCHECK_CACHE"
	assert.DeepEqual(t, got, []string{want})
}

func TestAMissingCompilerIsNamed(t *testing.T) {
	b := newBench(t)
	for cc, why := range map[string]string{
		"/nowhere/cc": "fork/exec /nowhere/cc: no such file or directory",
		" ":           "CC is blank",
		"false":       "exit status 1",
	} {
		cmd := b.command(returns0)
		cmd.Env = append(cmd.Env, "CC="+cc)
		out, err := cmd.CombinedOutput()
		assert.NilError(t, err)
		want := "error: this machine lacks a C compiler: " + why +
			": install gcc or clang, or set CC"
		assert.DeepEqual(t, outcomes(out), []string{want})
	}
}

func TestCgoIsFoundWhateverGOFLAGSSay(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command: ", err)
	}
	t.Setenv("GOFLAGS", "")
	want := fmt.Sprint(askCgo())
	t.Setenv("GOFLAGS", "-json")
	assert.Equal(t, fmt.Sprint(askCgo()), want)
}
