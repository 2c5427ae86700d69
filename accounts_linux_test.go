//go:build amd64 || arm64

package tidcheck_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
	"github.com/tidcheck/tidcheck/witness"
	"gotest.tools/v3/assert"
)

// An act is one birth, exec or end.
type act struct {
	kind  event.Kind // Clone, Fork (a vfork too: the kernel's account does not tell), Exec, Exit
	child event.TID
}

func (a act) String() string {
	switch a.kind {
	case event.Clone:
		return fmt.Sprint("makes thread ", a.child)
	case event.Fork:
		return fmt.Sprint("makes process ", a.child)
	}
	return a.kind.String()
}

// An account is what one observer saw each tid do, in the task's own order. A tid that was used
// again has both lives in one list: the end of the first comes before the acts of the second.
type account map[event.TID][]act

func (a account) add(e event.Event) {
	switch {
	case e.Kind == event.VFork:
		a[e.TID] = append(a[e.TID], act{event.Fork, e.Child})
	case e.Kind.IsBirth(), e.Kind == event.Exec, e.Kind == event.Exit:
		a[e.TID] = append(a[e.TID], act{e.Kind, e.Child})
	}
}

// without leaves out a task that ptrace is not told of.
func (a account) without(tid event.TID) account {
	left := account{}
	for creator, acts := range a {
		if creator != tid {
			left[creator] = slices.DeleteFunc(slices.Clone(acts),
				func(a act) bool { return a.child == tid })
		}
	}
	return left
}

// complete adds the birth of a task that the tracer found, and was not told of, where the kernel
// has it, if that was the last act of its creator before its end. A task that is killed on the way
// to its event stop does not stop there (ptrace_stop in kernel/signal.c), and no other event names
// the child.
func (a account) complete(found event.TID, witnessed account) bool {
	for creator, acts := range witnessed {
		for i := range acts {
			isLast := i+1 < len(acts) && acts[i+1].kind == event.Exit
			endsHere := len(a[creator]) > i && a[creator][i].kind == event.Exit
			if acts[i].child == found && isLast && endsHere {
				a[creator] = slices.Insert(a[creator], i, acts[i])
				return true
			}
		}
	}
	return false
}

// differences names each task of which two accounts say different things.
func differences(witnessed, traced account, names map[event.TID]string) string {
	var all strings.Builder
	tids := slices.Concat(slices.Collect(maps.Keys(witnessed)), slices.Collect(maps.Keys(traced)))
	slices.Sort(tids)
	for _, tid := range slices.Compact(tids) {
		if slices.Equal(witnessed[tid], traced[tid]) {
			continue
		}
		name := names[tid]
		if name == "" {
			name = "the tracer does not know it"
		}
		fmt.Fprintf(&all, "task %d (%s) (-witness +tracer):\n%s", tid, name,
			cmp.Diff(said(witnessed[tid]), said(traced[tid])))
	}
	return all.String()
}

func said(acts []act) (lines []string) {
	for _, a := range acts {
		lines = append(lines, a.String())
	}
	return lines
}

// A double is one run of a program as the tracer and as the kernel saw it, from its first
// instruction to its end.
type double struct {
	traced, witnessed account
	names             map[event.TID]string // the birth paths, by the tracer
	status            event.Status
	completed         int // births of creators that were killed on the way to their event stops
}

func (d *double) differences() string { return differences(d.witnessed, d.traced, d.names) }

// traceAndWitness runs a command under both.
func traceAndWitness(t *testing.T, cmd *exec.Cmd, opts tracer.Options) *double {
	t.Helper()
	release := hold(t, cmd)
	pid := cmd.Process.Pid
	w, err := witness.Open(pid)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		t.Skip("the kernel gives no account: ", err)
	}
	assert.NilError(t, err)
	var trace event.Trace
	opts.Events = func(e event.Event) { trace = append(trace, e) }
	tr, err := tracer.LaunchHeld(pid, release, opts)
	if err != nil {
		w.Close()
		t.Fatal(err)
	}
	assert.Check(t, tr.Resume())
	status, err := tr.Wait()
	assert.Check(t, err)
	cmd.Wait() // ECHILD, since the tracer has reaped it: but its output is copied to its end
	records, err := w.Close()
	assert.NilError(t, err, "the kernel's account")
	return compare(t, event.TID(pid), trace, records, status)
}

func compare(
	t *testing.T, pid event.TID, trace event.Trace, records []witness.Record, status event.Status,
) *double {
	t.Helper()
	d := &double{
		traced: account{}, witnessed: account{}, names: map[event.TID]string{}, status: status,
	}
	begun := false
	for _, r := range records {
		if begun {
			d.witnessed.add(r.Event)
		}
		begun = begun || r.Kind == event.Exec && r.TID == pid // before it ran the shell
	}
	for _, e := range trace {
		d.traced.add(e)
	}
	for _, e := range trace {
		switch {
		case e.Kind != event.Attach:
		case d.traced.complete(e.TID, d.witnessed):
			d.completed++
		default:
			d.traced[e.TID] = append([]act{{kind: event.Attach}}, d.traced[e.TID]...)
		}
	}
	family, err := event.NewFamily(trace)
	assert.Check(t, err)
	for _, life := range family.Lives() {
		d.names[life.TID] = strings.TrimPrefix(d.names[life.TID]+", then "+string(life.Path),
			", then ")
	}
	return d
}

// hold starts a command as a shell that waits for its go and then becomes the program.
func hold(t *testing.T, cmd *exec.Cmd) (release func() error) {
	t.Helper()
	theirGate, gate, err := os.Pipe()
	assert.NilError(t, err)
	word, theirWord, err := os.Pipe()
	assert.NilError(t, err)
	// Its word comes first, since the shell's own execve must be over. Without a go it ends.
	cmd.Args = append([]string{
		"sh", "-c", `echo >&4; read go <&3 && exec "$@" 3<&- 4>&-`, "sh",
		cmd.Path,
	}, cmd.Args[1:]...)
	cmd.Path, cmd.ExtraFiles = "/bin/sh", []*os.File{theirGate, theirWord}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	theirGate.Close()
	theirWord.Close()
	t.Cleanup(func() {
		gate.Close()
		word.Close()
		if err == nil && cmd.ProcessState == nil {
			cmd.Wait()
		}
	})
	assert.NilError(t, err)
	_, err = word.Read(make([]byte, 1))
	assert.NilError(t, err)
	return func() error {
		_, err := gate.WriteString("go\n")
		return err
	}
}

// build builds a C program.
func build(t *testing.T, source string) string {
	t.Helper()
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no C compiler: ", err)
	}
	program := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(source), ".c"))
	output, err := exec.Command("cc", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o",
		program, source).CombinedOutput()
	assert.NilError(t, err, "%s", output)
	return program
}

// soak tells whether tests that look for something by repeating are to do so at length.
func soak() bool { return os.Getenv("TIDCHECK_SOAK") != "" }

// within ends a run that would hang, and shows where. What is traced dies with us.
func within(t *testing.T, limit time.Duration) {
	alarm := time.AfterFunc(limit, func() {
		debug.SetTraceback("all")
		panic(t.Name() + ": it hangs")
	})
	t.Cleanup(func() { alarm.Stop() })
}

func TestTracerAndWitnessAgree(t *testing.T) {
	rounds := 10
	if soak() {
		rounds = 300
	}
	for _, c := range []struct{ name, argv, status string }{
		{"storm", "creators 8 40", "0"},
		{"storm cut off", "storm 3 4 0 0", "23"},
		{"storm of forks and vforks cut off", "storm 1 1 2 2", "23"},
		{"nested", "tree 3 4", "0"},
		{"instant exit", "sequence 100", "0"},
		{"kinds of births", "clones", "0"},
		{"processes", "processes", "0"},
		{"exec", "execs leader", "5"},
		{"exec off main", "execs thread", "5"},
		{"exec without a leader", "execs orphan", "5"},
		{"exit of the group off main", "ends group 7", "7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			within(t, time.Duration(rounds)*6*time.Second)
			argv := strings.Fields(c.argv)
			program, completed := build(t, "tracer/testdata/"+argv[0]+".c"), 0
			for round := range rounds {
				d := traceAndWitness(t, exec.Command(program, argv[1:]...), tracer.Options{})
				completed += d.completed
				diff := d.differences()
				if diff != "" || d.status.String() != c.status || t.Failed() {
					t.Fatalf("round %d: status %s, want %s; %.5000s", round, d.status, c.status,
						diff)
				}
			}
			if completed > 0 {
				t.Logf("in %d rounds %d births had no event: their creators were killed before it",
					rounds, completed)
			}
		})
	}
}

// The kernel's account has what ptrace cannot see, and nothing else is different.
func TestTheWitnessAloneSeesWhatPtraceIsNotToldOf(t *testing.T) {
	within(t, 30*time.Second)
	program := build(t, "testdata/unseen.c")
	for _, how := range []string{"untraced", "io_uring"} {
		t.Run(how, func(t *testing.T) {
			var output, complaint strings.Builder
			cmd := exec.Command(program, how)
			cmd.Stdout, cmd.Stderr = &output, &complaint
			d := traceAndWitness(t, cmd, tracer.Options{})
			if d.status.String() == "77" {
				t.Skip(complaint.String())
			}
			assert.Equal(t, d.status.String(), "0", complaint.String())
			var unseen event.TID
			_, err := fmt.Sscan(output.String(), &unseen)
			assert.NilError(t, err)
			assert.Equal(t, fmt.Sprint(d.witnessed[unseen]), "[exit]")
			assert.Equal(t, fmt.Sprint(d.traced[unseen]), "[]")
			d.witnessed = d.witnessed.without(unseen)
			assert.Equal(t, d.differences(), "")
		})
	}
}

func TestDifferencesNameTasks(t *testing.T) {
	clone := func(tid, child event.TID) event.Event {
		return event.Event{Kind: event.Clone, PID: 1, TID: tid, Child: child}
	}
	exit := func(tid event.TID) event.Event {
		return event.Event{Kind: event.Exit, PID: 1, TID: tid}
	}
	found := func(tid event.TID) event.Event {
		return event.Event{Kind: event.Attach, PID: 1, TID: tid}
	}
	run := event.Event{Kind: event.Exec, PID: 1, TID: 1}
	start := event.Event{Kind: event.Ready, PID: 1, TID: 1}
	for _, c := range []struct {
		name              string
		witnessed, traced event.Trace
		want              []string // of what is different; none: they agree
	}{
		{
			"equal",
			event.Trace{clone(1, 2), exit(2), exit(1)},
			event.Trace{clone(1, 2), exit(1), exit(2)},
			nil,
		},
		{
			"a birth missed",
			event.Trace{clone(1, 2), exit(2), exit(1)},
			event.Trace{exit(1)},
			[]string{"task 1 (main)", `"makes thread 2"`, "task 2 (the tracer does not know it)"},
		},
		{
			"a death missed",
			event.Trace{clone(1, 2), exit(2), exit(1)},
			event.Trace{clone(1, 2), exit(1)},
			[]string{"task 2 (main/1)"},
		},
		{
			"an order",
			event.Trace{clone(1, 2), clone(1, 3)},
			event.Trace{clone(1, 3), clone(1, 2)},
			[]string{"task 1 (main)"},
		},
		{
			"the wrong creator",
			event.Trace{clone(1, 2), clone(1, 3)},
			event.Trace{clone(1, 2), clone(2, 3)},
			[]string{"task 1 (main)", "task 2 (main/1)"},
		},
		{
			"a creator killed",
			event.Trace{clone(1, 2), exit(1), exit(2)},
			event.Trace{exit(1), found(2), exit(2)},
			nil,
		},
		{
			"found, but its creator lived on",
			event.Trace{clone(1, 2), clone(1, 3), exit(1)},
			event.Trace{clone(1, 3), found(2), exit(1)},
			[]string{"task 1 (main)", "task 2 (@1)"},
		},
		{
			"found, and no task made it",
			event.Trace{exit(1), exit(2)},
			event.Trace{found(2), exit(2), exit(1)},
			[]string{"task 2 (@1)", `"attach"`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The first is the shell's.
			records := []witness.Record{{Event: clone(1, 9)}, {Event: run}}
			for _, e := range c.witnessed {
				records = append(records, witness.Record{Event: e})
			}
			got := compare(t, 1, append(event.Trace{start}, c.traced...), records, 0).differences()
			if (got == "") != (c.want == nil) {
				t.Errorf("got %q", got)
			}
			for _, want := range c.want {
				assert.Check(t, strings.Contains(got, want), "got %s, want %s", got, want)
			}
		})
	}
}
