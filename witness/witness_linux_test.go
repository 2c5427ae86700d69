package witness

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"golang.org/x/sys/unix"
)

// family builds testdata/family.c.
func family(t *testing.T) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler: ", err)
	}
	bin := filepath.Join(t.TempDir(), "family")
	flags := []string{"-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", bin}
	out, err := exec.Command(cc, append(flags, "testdata/family.c")...).CombinedOutput()
	if err != nil {
		t.Fatalf("build testdata/family.c: %v\n%s", err, out)
	}
	return bin
}

// A keeper is a shell that waits for the end of its input and then becomes the program.
type keeper struct {
	*exec.Cmd
	pid event.TID
	in  io.WriteCloser
	out *bufio.Reader
}

func startKeeper(t *testing.T, program ...string) *keeper {
	t.Helper()
	// The shell writes first: then its own execve is over, and not in the account.
	args := append([]string{"-c", `echo ready; read go; exec "$@"`, "sh"}, program...)
	k := &keeper{Cmd: exec.Command("sh", args...)}
	k.Stderr = os.Stderr
	in, errIn := k.StdinPipe()
	out, errOut := k.StdoutPipe()
	if err := errors.Join(errIn, errOut, k.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if k.ProcessState == nil {
			k.Process.Kill()
			k.Cmd.Wait()
		}
	})
	k.pid, k.in, k.out = event.TID(k.Process.Pid), in, bufio.NewReader(out)
	if line, err := k.out.ReadString('\n'); line != "ready\n" {
		t.Fatalf("start a keeper: it writes %q, %v", line, err)
	}
	return k
}

// run lets the keeper go, waits for its end, and reads the births it prints.
func (k *keeper) run(t *testing.T) (births [][2]event.TID) {
	t.Helper()
	if err := k.in.Close(); err != nil {
		t.Fatal(err)
	}
	out, errRead := io.ReadAll(k.out)
	if err := errors.Join(errRead, k.Wait()); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(out) {
		var b [2]event.TID
		if _, err := fmt.Sscan(string(line), &b[0], &b[1]); err != nil {
			t.Fatalf("read %q: %v", line, err)
		}
		births = append(births, b)
	}
	return births
}

// witnessed runs family under a witness. Births are creators and their children, as family says.
func witnessed(t *testing.T, o options, k kernel, args ...string) (
	pid event.TID, births [][2]event.TID, records []Record, err error,
) {
	t.Helper()
	keeper := startKeeper(t, append([]string{family(t)}, args...)...)
	w, err := open(int(keeper.pid), k, o)
	if err != nil {
		refused(t, err)
	}
	births = keeper.run(t)
	records, err = w.Close()
	return keeper.pid, births, records, err
}

// An account is what a program or a witness says, without times.
type account struct {
	Births map[event.TID][]event.TID // by creator
	Ends   []event.TID               // sorted
	Execs  []event.TID
}

func (s *account) addBirth(creator, child event.TID) {
	if s.Births == nil {
		s.Births = map[event.TID][]event.TID{}
	}
	s.Births[creator] = append(s.Births[creator], child)
	s.Ends = append(s.Ends, child)
}

// compare reports where a witness's records differ from the account of the program.
func compare(t *testing.T, want account, records []Record, err error) {
	t.Helper()
	if diff := cmp.Diff(want, accountOf(records)); err != nil || diff != "" {
		t.Errorf("error %v (-program +witness):\n%.2000s", err, diff)
	}
}

func accountOf(records []Record) (s account) {
	var ends []event.TID
	for _, r := range records {
		switch r.Kind {
		case event.Clone, event.Fork:
			s.addBirth(r.TID, r.Child)
		case event.Exit:
			ends = append(ends, r.TID)
		case event.Exec:
			s.Execs = append(s.Execs, r.TID)
		}
	}
	slices.Sort(ends)
	s.Ends = ends
	return s
}

// programmed is the account of a program with these births, and with its own exec and end.
func programmed(pid event.TID, births [][2]event.TID) account {
	s := account{Execs: []event.TID{pid}}
	for _, b := range births {
		s.addBirth(b[0], b[1])
	}
	s.Ends = append(s.Ends, pid)
	slices.Sort(s.Ends)
	return s
}

func TestThreadsAreWitnessedExactly(t *testing.T) {
	for _, c := range []struct {
		args  string
		pages int
		tasks int
	}{
		{"seq 20000", 256, 20000},
		{"seq 20000", 64, 20000}, // more than the rings hold at once
		{"par 8 1000", 256, 8008},
	} {
		t.Run(fmt.Sprintf("%s in %d pages", c.args, c.pages), func(t *testing.T) {
			start := Now()
			args := strings.Fields(c.args)
			pid, births, records, err := witnessed(t, options{pages: c.pages}, system, args...)
			if len(births) != c.tasks {
				t.Fatalf("the program says %d births, want %d", len(births), c.tasks)
			}
			compare(t, programmed(pid, births), records, err)
			for _, r := range records {
				if r.PID != pid || r.Kind == event.Fork || r.At < start || r.At > Now() {
					t.Fatalf("got %v at %v, want only threads of %v between %v and now",
						r.Event, r.At, pid, start)
				}
				start = r.At
			}
		})
	}
}

func TestProcessesAreWitnessed(t *testing.T) {
	pid, births, records, err := witnessed(t, options{pages: 256}, system, "fork")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []event.Event
	want = append(want, event.Event{Kind: event.Exec, PID: pid, TID: pid})
	for _, b := range births {
		want = append(want, event.Event{Kind: event.Fork, PID: pid, TID: pid, Child: b[1]},
			event.Event{Kind: event.Exec, PID: b[1], TID: b[1]},
			event.Event{Kind: event.Exit, PID: b[1], TID: b[1], Status: event.Unknown})
	}
	want = append(want, event.Event{Kind: event.Exit, PID: pid, TID: pid, Status: event.Unknown})
	for _, r := range records {
		got = append(got, r.Event)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(births) != 2 {
		t.Errorf("%d births (-want +got):\n%s", len(births), diff)
	}
}

func TestAnExecOffMainEndsTheOtherThreadsAndTheLeadersID(t *testing.T) {
	pid, births, records, err := witnessed(t, options{pages: 256}, system, "exec", "8")
	if err != nil {
		t.Fatal(err)
	}
	if len(births) != 9 {
		t.Fatalf("the program says %d births, want 9", len(births))
	}
	var ends []event.TID
	execs := 0
	for _, r := range records {
		switch {
		case r.Kind == event.Exec:
			execs++
		case r.Kind == event.Exit && execs == 1:
			ends = append(ends, r.TID)
		}
	}
	// The thread that executes gets the leader's id; its own id has no end.
	var want []event.TID
	executes := records[9].Child
	for _, b := range births {
		if b[1] != executes {
			want = append(want, b[1])
		}
	}
	want = append(want, pid)
	slices.Sort(want)
	slices.Sort(ends)
	if diff := cmp.Diff(want, ends); diff != "" {
		t.Errorf("ends before the second exec (-want +got):\n%s", diff)
	}
	last := records[len(records)-1].Event
	if execs != 2 || last.Kind != event.Exit || last.TID != pid {
		t.Errorf("got %d execs and %v last, want 2 and the end of %v", execs, last, pid)
	}
}

func TestARenamingIsNoExec(t *testing.T) {
	pid, _, records, err := witnessed(t, options{pages: 256}, system, "name")
	compare(t, programmed(pid, nil), records, err)
}

func TestAFullRingLosesRecordsAndTellsHowMany(t *testing.T) {
	small := options{pages: 1, idle: true}
	_, births, records, err := witnessed(t, small, system, "seq", "1000")
	var lost *LostError
	if !errors.As(err, &lost) {
		t.Fatalf("got error %v, want a LostError", err)
	}
	// An exec, the threads' births and ends, and the program's own end.
	if got, want := uint64(len(records))+lost.N, uint64(2*len(births)+2); got != want {
		t.Errorf("got %d records and %d lost, %d in all, want %d", len(records), lost.N, got, want)
	}
}

func TestAFullRingIsLossIfTheKernelDoesNotCount(t *testing.T) {
	old := system
	old.open = func(attr *unix.PerfEventAttr, pid, cpu int) (int, error) {
		if attr.Read_format != 0 {
			return -1, unix.EINVAL
		}
		return system.open(attr, pid, cpu)
	}
	_, _, _, err := witnessed(t, options{pages: 1, idle: true}, old, "seq", "1000")
	var lost *LostError
	if !errors.As(err, &lost) {
		t.Errorf("got error %v, want a LostError", err)
	}
	pid, births, records, err := witnessed(t, options{pages: 256}, old, "seq", "1000")
	compare(t, programmed(pid, births), records, err)
}

func TestDescendantsThatOutliveTheKeeperAreWitnessed(t *testing.T) {
	needPerf(t)
	// The orphan becomes this process's child, so that its end can be waited for.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	// Even on a busy machine nothing is lost: all of its 4,000 records have room in one ring.
	k := startKeeper(t, "sh", "-c", `"$0" seq 2000 & :`, family(t))
	w, err := open(int(k.pid), system, options{pages: 64})
	if err != nil {
		t.Fatal(err)
	}
	births := k.run(t)
	orphan := births[0][0]
	if _, err := unix.Wait4(int(orphan), nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	records, err := w.Close()
	want := programmed(k.pid, append([][2]event.TID{{k.pid, orphan}}, births...))
	want.Execs = []event.TID{k.pid, orphan} // the inner shell, then family
	compare(t, want, records, err)
}

func TestRingsWhoseTasksHaveEndedAreNotPolled(t *testing.T) {
	needPerf(t)
	k := startKeeper(t, "true")
	w, err := open(int(k.pid), system, options{pages: 1, idle: true})
	if err != nil {
		t.Fatal(err)
	}
	k.run(t)
	fds := w.pollFds()
	if _, err := w.next(fds); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Poll(fds, 0); n != 0 || err != nil {
		t.Errorf("got %d files ready, error %v, want none: the loop would spin", n, err)
	}
	if _, err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseWhileTheProgramLives(t *testing.T) {
	needPerf(t)
	k := startKeeper(t, "true")
	w, err := Open(int(k.pid))
	if err != nil {
		t.Fatal(err)
	}
	closeEmpty(t, w)
	k.run(t)
}

func TestCloseLeavesNoFilesAndNoGoroutines(t *testing.T) {
	needPerf(t)
	bin := family(t)
	cycle := func() {
		k := startKeeper(t, bin, "seq", "10")
		w, err := Open(int(k.pid))
		if err != nil {
			t.Fatal(err)
		}
		k.run(t)
		if _, err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	cycle() // os/exec and the runtime open files when they are first used
	files, routines := testproc.OpenFiles(t), runtime.NumGoroutine()
	for range 10 {
		cycle()
	}
	if got := testproc.OpenFiles(t); got != files {
		t.Errorf("got %d open files, want %d", got, files)
	}
	// A goroutine that has closed its channel takes a moment to end.
	for runtime.NumGoroutine() > routines {
		runtime.Gosched()
	}
}

func TestAProcessThatDoesNotExistIsRefused(t *testing.T) {
	needPerf(t)
	const none = 1 << 22 // PID_MAX_LIMIT: every pid is less
	if w, err := Open(none); w != nil || !errors.Is(err, unix.ESRCH) {
		t.Errorf("got error %v, want %v", err, unix.ESRCH)
	}
}
