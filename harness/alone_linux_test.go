package harness

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// A building is a way in which somebody may build a fixture by hand.
type building struct {
	name    string
	command string // what comes before -o
	soak    bool   // what it may show, others do too
}

// Musl's own headers come before those of the kernel, which it does not bring.
const (
	warn     = " -g -Wall -Wextra -Werror -pthread"
	musl     = "musl-gcc -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu"
	plainGo  = "go build -buildvcs=false"
	withoutC = "env CGO_ENABLED=0 " + plainGo
)

var buildings = map[fixtures.Language][]building{
	fixtures.C: {
		{"glibc O0", "cc -O0" + warn, true},
		{"glibc O2", "cc -O2" + warn, false},
		{"glibc O0 static", "cc -O0 -static" + warn, true},
		{"glibc O2 static", "cc -O2 -static" + warn, true},
		{"glibc O0 m32", "cc -O0 -m32" + warn, false},
		{"glibc O2 m32", "cc -O2 -m32" + warn, true},
		{"glibc O2 m32 static", "cc -O2 -m32 -static" + warn, true},
		{"musl O0", musl + " -O0" + warn, true},
		{"musl O2", musl + " -O2" + warn, true},
		{"musl O0 static", musl + " -O0 -static" + warn, true},
		{"musl O2 static", musl + " -O2 -static" + warn, false},
	},
	fixtures.Go: {
		{"plain", plainGo, false},
		{"without cgo", withoutC, false},
		{"not optimised", plainGo + " -gcflags=-N", true},
	},
}

// What cannot be built or run in some way, and why.
var cannot = []struct {
	fixture, building *regexp.Regexp
	why               string
}{
	{regexp.MustCompile("^thread_bad_affinity$"), regexp.MustCompile("^musl"), "musl has no pthread_attr_setaffinity_np"},
	{regexp.MustCompile("^cgo$"), regexp.MustCompile("^without cgo$"), "it is partly C"},
	{regexp.MustCompile("^real_"), regexp.MustCompile(" (O0|m32|static)|^musl"), "it becomes another program: how it is built itself is nothing"},
}

// Each fixture runs by hand: it ends as its head says, with the plain words of its own, and leaves nothing behind.
func TestEveryFixtureRunsAlone(t *testing.T) {
	all, err := fixtures.Catalogue()
	assert.NilError(t, err)
	for language, ways := range buildings {
		for _, b := range ways {
			t.Run(b.name, func(t *testing.T) {
				if b.soak && os.Getenv("TIDCHECK_SOAK") == "" {
					t.Skip("other ways show the same: set TIDCHECK_SOAK")
				}
				if language == fixtures.C {
					b.try(t)
				}
				for _, f := range all {
					if f.Language == language {
						t.Run(f.Name, func(t *testing.T) { b.runAlone(t, f) })
					}
				}
			})
		}
	}
}

// try skips the test if this machine cannot build so.
func (b building) try(t *testing.T) {
	k := patientKeeper(t)
	program, err := b.build(t, k, Source{Main: "a.c", Files: map[string][]byte{"a.c": []byte("#include <linux/futex.h>\n#include <stdio.h>\nint main(void) { return 0; }\n")}})
	if err == nil {
		_, err = k.output(t.Context(), Spec{Argv: []string{program}, Env: os.Environ()})
	}
	if err != nil {
		t.Skipf("this machine does not build programs by %q (gcc-multilib and musl-tools do): %v", b.command, err)
	}
}

func (b building) build(t *testing.T, k *keeper, s Source) (string, error) {
	dir := t.TempDir()
	for name, content := range s.Files {
		file := filepath.Join(dir, name)
		assert.NilError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		assert.NilError(t, os.WriteFile(file, content, 0o644))
	}
	program := filepath.Join(dir, "program")
	argv := append(strings.Fields(b.command), "-o", program, s.Main)
	out, err := k.output(t.Context(), Spec{Argv: argv, Env: append(os.Environ(), "GOWORK=off"), Dir: dir})
	if err != nil {
		return "", errors.Join(err, errors.New(out))
	}
	return program, nil
}

func (b building) runAlone(t *testing.T, f fixtures.Fixture) {
	t.Parallel()
	for _, c := range cannot {
		if c.fixture.MatchString(f.Name) && c.building.MatchString(b.name) {
			t.Skip(c.why)
		}
	}
	if f.Set == fixtures.Long && os.Getenv("TIDCHECK_SOAK") == "" {
		t.Skip("it takes long: set TIDCHECK_SOAK")
	}
	for _, need := range f.Needs {
		if err := lacking(need); err != nil && need.Text != "witness" { // it is nothing by hand
			t.Skip(err)
		}
	}
	want, err := controls.of(t.Context(), f, nil, limitOf(f))
	assert.NilError(t, err)
	s, err := fixtureSource(f)
	assert.NilError(t, err)
	alarm(t, 60*time.Second)
	k := patientKeeper(t)
	program, err := b.build(t, k, s)
	assert.NilError(t, err)

	dir := t.TempDir()
	complaint, err := memoryFile("complaint")
	assert.NilError(t, err)
	defer complaint.Close()
	p, err := k.start(Spec{Argv: append([]string{program}, f.Values()...), Env: append(os.Environ(), "TMPDIR="+dir), Dir: dir, Stderr: complaint})
	assert.NilError(t, err)
	assert.NilError(t, p.Release())
	ctx, cancel := context.WithTimeoutCause(t.Context(), 6*limitOf(f), errOverdue) // nobody counts its time
	defer cancel()
	status, err := p.Wait(ctx)
	assert.NilError(t, err)
	assert.Equal(t, firstLine(sharedPath(complaint)), "?")
	assert.Assert(t, status.Same(want.outcome.status), "it ended with %s, and in the suite with %s", status, want.outcome.status)
	assert.DeepEqual(t, leftBelow(k), []event.TID(nil))
	files, err := fs.Glob(os.DirFS(dir), "*")
	assert.NilError(t, err)
	assert.Equal(t, len(files), 0, "%q", files)
}

// leftBelow are the processes that are left when a keeper has had time to wait for those that have ended.
func leftBelow(k *keeper) (left []event.TID) {
	for deadline := time.Now().Add(2 * time.Second); ; {
		left = descendants(event.TID(k.cmd.Process.Pid))
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(time.Millisecond) // sleep: nobody tells when it has
	}
}

// The least of everything is declared too.
func TestEveryFixtureIsAsDeclaredForOnes(t *testing.T) {
	all, err := fixtures.Catalogue()
	assert.NilError(t, err)
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			alarm(t, 60*time.Second)
			if len(f.Params) == 0 || f.Set == fixtures.Long {
				t.Skip("it has no parameters to try")
			}
			for _, need := range f.Needs {
				if err := lacking(need); err != nil {
					t.Skip(err)
				}
			}
			var given []string
			for _, p := range f.Params {
				given = append(given, p.Name+"="+map[bool]string{true: "0", false: "1"}[strings.HasSuffix(p.Default, "s")])
			}
			least, err := f.ByHand(given...)
			assert.NilError(t, err)
			_, err = runControl(t.Context(), least, limitOf(f))
			assert.NilError(t, err)
		})
	}
}

// By hand nobody but the program itself looks at what it is given.
func TestAProgramRefusesWhatIsNoParameterOfIts(t *testing.T) {
	for _, name := range []string{"fork", "locked", "vfork_child_exit", "exec_command"} {
		f := fixtureNamed(t, name)
		s, err := fixtureSource(f)
		assert.NilError(t, err)
		program, err := Build(t.Context(), s)
		assert.NilError(t, err)
		cases := map[string]string{"x=1": "x=1: no parameter of this program, which has ", "nonsense": "nonsense: no parameter of this program, which has "}
		if len(f.Params) == 0 {
			cases["n=1"] = "n=1: no parameter of this program, which has none"
		}
		for _, p := range f.Params {
			if kind := "not a number from 1 to 1000000"; !strings.HasSuffix(p.Default, "s") {
				for _, value := range []string{"0", "-1", "99999999999", "99999999999999999999", "1s", "2x", "", "1.5", "0x10"} {
					cases[p.Name+"="+value] = p.Name + "=" + value + ": " + kind
				}
				continue
			}
			for _, value := range []string{"-1s", "5", "99999999999s", "2h", "", "s"} {
				cases[p.Name+"="+value] = p.Name + "=" + value + ": not a time from 0 to an hour, such as 10s or 1ms"
			}
		}
		for arg, want := range cases {
			out, err := someKeeper(t).output(t.Context(), Spec{Argv: []string{program, arg}, Env: os.Environ()})
			assert.ErrorContains(t, err, "status 99", arg)
			assert.Equal(t, strings.Count(out, "\n"), 1, "%s: %q", arg, out)
			assert.Assert(t, strings.HasPrefix(out, want), "%s: got %q, want %q", arg, out, want)
		}
	}
}
