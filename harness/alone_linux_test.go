package harness

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/internal/build"
	"github.com/tidcheck/tidcheck/internal/keeper"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"gotest.tools/v3/assert"
)

// A building is a way in which a user may build a fixture by hand.
type building struct {
	name    string
	command string // what comes before -o
	soak    bool   // what it may show, others show too
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

// cannot lists what cannot be built or run in some way, and why.
var cannot = []struct {
	fixture, building *regexp.Regexp
	why               string
}{
	{
		regexp.MustCompile("^thread_bad_affinity$"), regexp.MustCompile("^musl"),
		"musl has no pthread_attr_setaffinity_np",
	},
	{regexp.MustCompile("^cgo$"), regexp.MustCompile("^without cgo$"), "it is partly C"},
	{
		regexp.MustCompile("^real_"), regexp.MustCompile(" (O0|m32|static)|^musl"),
		"it becomes another program: how it is built itself says nothing",
	},
}

// Each fixture runs by hand: it ends as its head says, complains of nothing, and leaves nothing
// behind.
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

// trivial is a program that any compiler builds which finds the kernel's headers.
const trivial = "#include <linux/futex.h>\n#include <stdio.h>\nint main(void) { return 0; }\n"

// try skips the test if this machine cannot build so.
func (b building) try(t *testing.T) {
	k := newKeeper(t)
	s := build.Source{Main: "a.c", Files: map[string][]byte{"a.c": []byte(trivial)}}
	program, err := b.build(t, k, s)
	if err == nil {
		_, err = k.Output(t.Context(), Spec{Argv: []string{program}, Env: os.Environ()})
	}
	if err != nil {
		t.Skipf("this machine does not build programs by %q (gcc-multilib and musl-tools do): %v",
			b.command, err)
	}
}

func (b building) build(t *testing.T, k *keeper.Keeper, s build.Source) (string, error) {
	dir := t.TempDir()
	for name, content := range s.Files {
		file := filepath.Join(dir, name)
		assert.NilError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		assert.NilError(t, os.WriteFile(file, content, 0o644))
	}
	program := filepath.Join(dir, "program")
	argv := append(strings.Fields(b.command), "-o", program, s.Main)
	spec := Spec{Argv: argv, Env: append(os.Environ(), "GOWORK=off"), Dir: dir}
	out, err := k.Output(t.Context(), spec)
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
	skipWhatIsLacking(t, f)
	want, err := controlOf(t.Context(), f, nil, settingOf(f))
	assert.NilError(t, err)
	s, err := build.Fixture(f)
	assert.NilError(t, err)
	testproc.Alarm(t, 60*time.Second)
	k := newKeeper(t)
	program, err := b.build(t, k, s)
	assert.NilError(t, err)

	dir := t.TempDir()
	complaint, err := procfs.MemoryFile("complaint")
	assert.NilError(t, err)
	defer complaint.Close()
	p, err := k.Start(Spec{
		Argv: append([]string{program}, f.Values()...), Env: append(os.Environ(), "TMPDIR="+dir),
		Dir: dir, Stderr: complaint,
	})
	assert.NilError(t, err)
	assert.NilError(t, p.Release())
	// Its time is not judged.
	ctx, cancel := context.WithTimeoutCause(t.Context(), 6*settingOf(f).limit, errOverdue)
	defer cancel()
	status, err := p.Wait(ctx)
	assert.NilError(t, err)
	assert.Equal(t, procfs.FirstLine(procfs.SharedPath(complaint)), "?")
	assert.Assert(t, status.Same(want.Status),
		"it ended with %s, and in the suite with %s", status, want.Status)
	assert.DeepEqual(t, leftBelow(k), []event.TID(nil))
	files, err := fs.Glob(os.DirFS(dir), "*")
	assert.NilError(t, err)
	assert.Equal(t, len(files), 0, "%q", files)
}

// In a chroot, as package builds have it, / is no mount. What a fixture does to mounts works there.
func TestAnotherRootIsHadInAChroot(t *testing.T) {
	all, err := fixtures.Catalogue()
	assert.NilError(t, err)
	i := slices.IndexFunc(all, func(f fixtures.Fixture) bool {
		return f.Name == "thread_in_other_root"
	})
	skipWhatIsLacking(t, all[i])
	s, err := build.Fixture(all[i])
	assert.NilError(t, err)
	static := building{"static", "cc -static" + warn, false}
	static.try(t)
	program, err := static.build(t, newKeeper(t), s)
	assert.NilError(t, err)
	cmd := exec.Command("/" + filepath.Base(program))
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: filepath.Dir(program)}
	said, err := cmd.CombinedOutput()
	assert.NilError(t, err, "%s", said)
}

// A debugger that lets go may send SIGCONT to the process: any of its tasks may handle that.
func TestAnyTaskOfTheStormHandlesASIGCONT(t *testing.T) {
	all, err := fixtures.Catalogue()
	assert.NilError(t, err)
	i := slices.IndexFunc(all, func(f fixtures.Fixture) bool {
		return f.Name == "attach_sigcont_storm"
	})
	s, err := build.Fixture(all[i])
	assert.NilError(t, err)
	testproc.Alarm(t, 60*time.Second)
	k := newKeeper(t)
	program, err := building{"", "cc" + warn, false}.build(t, k, s)
	assert.NilError(t, err)
	p, err := k.Start(Spec{Argv: []string{program}, Env: os.Environ()})
	assert.NilError(t, err)
	assert.NilError(t, p.Release())
	for over := false; !over; {
		p.Signal(syscall.SIGCONT) // an error: it has ended
		select {
		case <-p.Done():
			over = true
		case <-time.After(100 * time.Microsecond): // sleep: the storm is to go on beside it
		}
	}
	status, err := p.Wait(t.Context())
	assert.NilError(t, err)
	assert.Equal(t, status, event.Exited(0))
}

// leftBelow are the processes that are left when a keeper has had time to wait for those that have
// ended.
func leftBelow(k *keeper.Keeper) (left []event.TID) {
	for deadline := time.Now().Add(2 * time.Second); ; {
		left = procfs.Descendants(event.TID(k.PID()))
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(time.Millisecond) // sleep: the keeper does not tell when it has
	}
}

// The least of everything is declared too.
func TestEveryFixtureIsAsDeclaredForOnes(t *testing.T) {
	all, err := fixtures.Catalogue()
	assert.NilError(t, err)
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			testproc.Alarm(t, 60*time.Second)
			if len(f.Params) == 0 || f.Set == fixtures.Long {
				t.Skip("it has no parameters to try")
			}
			skipWhatIsLacking(t, f)
			var given []string
			for _, p := range f.Params {
				least := "1"
				if isTime(p) {
					least = "0"
				}
				given = append(given, p.Name+"="+least)
			}
			least, err := f.ByHand(given...)
			assert.NilError(t, err)
			_, err = runControl(t.Context(), least, settingOf(f))
			assert.NilError(t, err)
		})
	}
}

// isTime tells whether a parameter is a time; the others are numbers.
func isTime(p fixtures.Param) bool { return strings.HasSuffix(p.Default, "s") }

// By hand the program itself must look at what it is given.
func TestAProgramRefusesWhatIsNoParameterOfIts(t *testing.T) {
	for _, name := range []string{"fork", "locked", "vfork_child_exit", "exec_command"} {
		f := fixtureNamed(t, name)
		s, err := build.Fixture(f)
		assert.NilError(t, err)
		program, err := build.Program(t.Context(), s)
		assert.NilError(t, err)
		cases := make(map[string]string) // what is complained of, by the argument
		for _, arg := range []string{"x=1", "nonsense"} {
			cases[arg] = "no parameter of this program, which has "
		}
		if len(f.Params) == 0 {
			cases["n=1"] = "no parameter of this program, which has none"
		}
		for _, p := range f.Params {
			bad := "0 -1 99999999999 99999999999999999999 1s 2x 1.5 0x10"
			why := "not a number from 1 to 1000000"
			if isTime(p) {
				bad = "-1s 5 99999999999s 2h s"
				why = "not a time from 0 to an hour, such as 10s or 1ms"
			}
			for _, value := range append(strings.Fields(bad), "") {
				cases[p.Name+"="+value] = why
			}
		}
		k := newKeeper(t)
		for arg, why := range cases {
			spec := Spec{Argv: []string{program, arg}, Env: os.Environ()}
			out, err := k.Output(t.Context(), spec)
			assert.ErrorContains(t, err, "status 99", arg)
			assert.Equal(t, strings.Count(out, "\n"), 1, "%s: %q", arg, out)
			assert.Assert(t, strings.HasPrefix(out, arg+": "+why), "%s: got %q, want %q", arg, out,
				why)
		}
	}
}
