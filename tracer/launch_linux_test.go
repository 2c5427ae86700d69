//go:build amd64 || arm64

package tracer_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

func TestLaunchErrors(t *testing.T) {
	within(t, 30*time.Second)
	dir := t.TempDir()
	for name, mode := range map[string]fs.FileMode{"plain": 0o644, "format": 0o755} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("no program\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "orphan"), []byte("#!/nowhere/sh\n"),
		0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		cmd  exec.Cmd
		want error
	}{
		{"missing", exec.Cmd{Path: dir + "/missing"}, fs.ErrNotExist},
		{"missing in PATH", *exec.Command("tidcheck-has-no-such-program"), exec.ErrNotFound},
		{"not executable", exec.Cmd{Path: dir + "/plain"}, fs.ErrPermission},
		{"a directory", exec.Cmd{Path: dir}, fs.ErrPermission},
		{"below a file", exec.Cmd{Path: dir + "/plain/x"}, unix.ENOTDIR},
		{"no program", exec.Cmd{Path: dir + "/format"}, unix.ENOEXEC},
		{"no interpreter", exec.Cmd{Path: dir + "/orphan"}, fs.ErrNotExist},
		{"too long arguments", exec.Cmd{
			Path: "/bin/true",
			Args: []string{"true", strings.Repeat("x", 1<<18)},
		}, unix.E2BIG},
		{"missing directory", exec.Cmd{Path: "/bin/true", Dir: dir + "/missing"}, fs.ErrNotExist},
		{"a file as directory", exec.Cmd{Path: "/bin/true", Dir: dir + "/plain"}, unix.ENOTDIR},
	} {
		for _, way := range ways {
			t.Run(c.name+"/"+way.name, func(t *testing.T) {
				const rounds = 3
				before := testproc.OpenFiles(t)
				for range rounds {
					cmd := c.cmd
					cmd.Stdout = &bytes.Buffer{} // has os/exec make a pipe
					tr, err := tracer.Launch(&cmd, way.how)
					if err == nil {
						tr.Kill()
						t.Fatal("it is launched")
					}
					if !errors.Is(err, c.want) || strings.Contains(err.Error(), "\n") ||
						!strings.HasPrefix(err.Error(), "launch ") {
						t.Errorf("got error %q, want one line that is %v", err, c.want)
					}
					if strings.Contains(err.Error(), "/proc/self/fd") {
						t.Errorf("error %q names our stub", err)
					}
					if c.want == fs.ErrNotExist && !strings.Contains(err.Error(), c.cmd.Dir) {
						t.Errorf("error %q does not name the directory that is missing", err)
					}
				}
				if left := children(); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
				if after := testproc.OpenFiles(t); after != before {
					t.Errorf("%d descriptors before, %d after", before, after)
				}
			})
		}
	}
}

// refusing is a kernel that does not let us trace what we launch. Its first task is the waker's
// child, which it does let us trace.
type refusing struct {
	tracer.Kernel
	calls *int
}

func (k refusing) Seize(tid, options int) error {
	if *k.calls++; *k.calls > 1 {
		return unix.EPERM
	}
	return k.Kernel.Seize(tid, options)
}

func (k refusing) SetOptions(int, int) error { return unix.EPERM }

func TestRefusedLaunchLeavesNothing(t *testing.T) {
	within(t, 10*time.Second)
	for _, way := range ways {
		before := testproc.OpenFiles(t)
		how, calls := way.how, 0
		how.Kernel = func(k tracer.Kernel) tracer.Kernel { return refusing{k, &calls} }
		cmd := command(t, "sequence", "1")
		cmd.Stdout = &bytes.Buffer{}
		if _, err := tracer.Launch(cmd, how); !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: got error %v, want EPERM", way.name, err)
		}
		if left, after := children(), testproc.OpenFiles(t); len(left) > 0 || after != before {
			t.Errorf("%s: left behind %v; %d descriptors before, %d after", way.name, left, before,
				after)
		}
	}
}

// says is a shell script that prints all that a program inherits. The signal masks are grep's: a
// shell blocks signals while it forks.
const says = `p=/proc/$$
tr '\0' '\n' <$p/cmdline; echo; tr '\0' '\n' <$p/environ; cat $p/comm $p/limits $p/personality
for f in cwd exe root fd/0 fd/1 fd/2 fd/3 fd/4 fd/5 fd/6 fd/7 fd/8 fd/9; do
	echo $f; readlink $p/$f
done
cat <&5
exec grep -E '^(Sig[PBI]|Shd|Cap|NoNewPrivs|Umask|Groups|Uid|Gid|Seccomp)' /proc/self/status`

func TestProgramStartsAsFromExecCommand(t *testing.T) {
	within(t, 10*time.Second)
	dir := t.TempDir()
	extra := func(name string) *os.File {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	first, third := extra("first"), extra("third")
	if _, err := third.WriteString("the third\n"); err != nil {
		t.Fatal(err)
	}
	run := func(run func(*exec.Cmd)) string {
		output := extra("output")
		third.Seek(0, 0)
		cmd := exec.Command("/bin/sh", "-c", says, "", "an argument", "", "\xff")
		cmd.Args[0] = "another name"
		cmd.Env = []string{"A=1", "EMPTY=", "B=two words"}
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, output, output
		cmd.ExtraFiles = []*os.File{first, nil, third}
		run(cmd)
		if cmd.Path != "/bin/sh" || cmd.Args[0] != "another name" || len(cmd.ExtraFiles) != 3 ||
			cmd.SysProcAttr != nil {
			t.Errorf("the command is changed: %v", cmd)
		}
		said, err := os.ReadFile(output.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(said)
	}
	want := run(func(cmd *exec.Cmd) {
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
	})
	if !strings.Contains(want, "the third\n") {
		t.Fatalf("the shell says %q", want)
	}
	for _, way := range ways {
		got := run(func(cmd *exec.Cmd) { follow(t, way.how, cmd) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-exec.Command +launched):\n%s", way.name, diff)
		}
	}
}

func TestProgramIsFoundInItsDirectory(t *testing.T) {
	within(t, 10*time.Second)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte("#!/bin/sh\nexit 7\n"),
		0o755); err != nil {
		t.Fatal(err)
	}
	for _, way := range ways {
		cmd := exec.Command("./script")
		cmd.Dir = dir
		if os.Getuid() == 0 { // the stub has to be executable for another user too
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{
				Uid: 65534,
				Gid: 65534,
			}}
			for _, open := range []string{dir, filepath.Dir(dir)} {
				if err := os.Chmod(open, 0o755); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, status := follow(t, way.how, cmd); status.String() != "7" {
			t.Errorf("%s: got status %s, want 7", way.name, status)
		}
	}
}

// withoutSIGSTOP is a kernel that sends no SIGSTOP to a task: it is for PTRACE_TRACEME alone.
type withoutSIGSTOP struct {
	tracer.Kernel
	t *testing.T
}

func (k withoutSIGSTOP) Tgkill(pid, tid, sig int) error {
	k.t.Errorf("task %d is stopped by signal %d", tid, sig)
	return k.Kernel.Tgkill(pid, tid, sig)
}

// What runs already is seized, whatever the options say of PTRACE_TRACEME.
func TestTraceMeIsForALaunchAlone(t *testing.T) {
	within(t, 10*time.Second)
	l := &log{}
	how := l.options(tracer.Options{TraceMe: true, Kernel: func(k tracer.Kernel) tracer.Kernel {
		return withoutSIGSTOP{k, t}
	}})
	p := start(t, "storm", "2", "0", "0", "0")
	tr, err := tracer.Attach(p.pid, how)
	ok(t, err, tr.Resume(), tr.Detach())
	wantReleased(t, p.pid)
	p.finish(t)

	l.trace = nil
	held := exec.Command("sh", "-c", "read line; exec sh -c 'exit 7'")
	input, err := held.StdinPipe()
	ok(t, err, held.Start())
	tr, err = tracer.LaunchHeld(held.Process.Pid, func() error {
		_, err := input.Write([]byte("\n"))
		return err
	}, how)
	ok(t, err, tr.Resume())
	if status, err := tr.Wait(); status.String() != "7" || err != nil {
		t.Errorf("it ends with %s, %v, want 7", status, err)
	}
	held.Wait() // the tracer has reaped it
	wantForm(t, l.form(t), "main: exit 7")
}
