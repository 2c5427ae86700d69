package tracer_test

import (
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// configurations are all methods with all kinds of Notify.
var configurations = []struct {
	name string
	how  tracer.Options
}{
	{"events, wait", tracer.Options{}},
	{"events, sigchld", tracer.Options{Notify: tracer.SIGCHLD}},
	{"syscalls, wait", tracer.Options{Method: tracer.Syscalls}},
	{"syscalls, sigchld", tracer.Options{Method: tracer.Syscalls, Notify: tracer.SIGCHLD}},
}

// buildFor builds a program of testdata/amd64, for the 32-bit ABI if flags has -m32. If that cannot
// be built or run the test is skipped.
func buildFor(t *testing.T, name string, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	args := append([]string{
		"-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", program,
		"testdata/amd64/" + name + ".c",
	}, flags...)
	said, err := exec.Command("cc", args...).CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		t.Skip("no C compiler: ", err)
	case err != nil && len(flags) > 0:
		t.Skipf("cc %v cannot build (install gcc-multilib): %s", flags, said)
	case err != nil:
		t.Fatalf("cc: %s", said)
	}
	if err := exec.Command(program, "0").Run(); errors.Is(err, unix.ENOEXEC) {
		t.Skip("this kernel does not run such programs: ", err)
	}
	return program
}

// A listener is a kernel that counts the births that are asked for, by ABI.
type listener struct {
	tracer.Kernel
	heard map[uint32]int
}

func (k listener) SyscallInfo(tid int) (tracer.SyscallInfo, error) {
	info, err := k.Kernel.SyscallInfo(tid)
	births := map[uint32][]uint64{
		unix.AUDIT_ARCH_X86_64: {56, 57, 58, 435},
		unix.AUDIT_ARCH_I386:   {120, 2, 190, 435},
	}[info.Arch]
	if err == nil && info.Entry && slices.Contains(births, info.Number) {
		k.heard[info.Arch]++
	}
	return info, err
}

// listen puts a listener between a tracer and its kernel.
func listen(how tracer.Options) (tracer.Options, map[uint32]int) {
	heard := make(map[uint32]int)
	how.Kernel = func(k tracer.Kernel) tracer.Kernel { return listener{k, heard} }
	return how, heard
}

// wantHeard checks the counts of a listener: none where births are learnt from events.
func wantHeard(t *testing.T, how tracer.Options, heard map[uint32]int, long, short int) {
	t.Helper()
	want := map[uint32]int{unix.AUDIT_ARCH_X86_64: long, unix.AUDIT_ARCH_I386: short}
	maps.DeleteFunc(want, func(_ uint32, n int) bool {
		return n == 0 ||
			how.Method == tracer.Events
	})
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("births asked for, by architecture (-want +got):\n%s", diff)
	}
}

func TestProgramsOfBothWordSizes(t *testing.T) {
	long, short := buildFor(t, "kinds"), buildFor(t, "kinds", "-m32")
	for _, c := range []struct {
		name, first, other string
		long, short        int // births asked for
	}{
		{"64 bits", long, long, 6, 0},
		{"32 bits", short, short, 0, 6},
		{"64 bits, then 32", long, short, 5, 1},
		{"32 bits, then 64", short, long, 1, 5},
	} {
		var forms [][]string
		for _, way := range configurations {
			t.Run(c.name+"/"+way.name, func(t *testing.T) {
				within(t, 30*time.Second)
				how, heard := listen(way.how)
				l, status := follow(t, how, exec.Command(c.first, "first", c.other))
				wantHeard(t, how, heard, c.long, c.short)
				if status.String() != "5" {
					t.Errorf("status: got %s, want 5", status)
				}
				wantForm(t, l.form(t),
					"main: clone main/1..2, fork main/3..4, vfork main/5, vforkdone, exec, "+
						"clone main/6, exit 0",
					"main/1: exit 0", "main/2: exit 6", "main/3: exit 3", "main/4: exit 4",
					"main/5: exec, exit 7", "main/6: exec, exit 5")
				forms = append(forms, l.form(t).Lines())
				if diff := cmp.Diff(forms[0], forms[len(forms)-1]); diff != "" {
					t.Errorf("(-%s +%s):\n%s", configurations[0].name, way.name, diff)
				}
			})
		}
	}
}

// A 64-bit program may enter the kernel as a 32-bit one does.
func TestBirthsThroughTheGateOf32BitPrograms(t *testing.T) {
	program := buildFor(t, "int80")
	if err := exec.Command(program).Run(); err == nil || err.Error() != "exit status 5" {
		t.Skip("this kernel has no int 0x80: ", err)
	}
	for _, way := range configurations {
		t.Run(way.name, func(t *testing.T) {
			within(t, 30*time.Second)
			how, heard := listen(way.how)
			l, status := follow(t, how, exec.Command(program))
			wantHeard(t, how, heard, 0, 2)
			if status.String() != "5" {
				t.Errorf("status: got %s, want 5", status)
			}
			wantForm(t, l.form(t), "main: clone main/1, fork main/2, exit 5", "main/1: exit 6",
				"main/2: exit 3")
		})
	}
}
