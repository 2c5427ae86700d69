package witness

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/rooms"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"golang.org/x/sys/unix"
)

// connectTo starts the connector's account of a keeper, and skips the test where there is none.
func connectTo(t *testing.T, k *keeper, kernel connectorKernel) *Connector {
	t.Helper()
	c, err := connect(int(k.pid), kernel)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		t.Skip("the kernel has no proc connector for us: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// connected runs family under the connector.
func connected(t *testing.T, args ...string) (pid event.TID, births [][2]event.TID, got []Record,
	err error,
) {
	t.Helper()
	return connectedTo(t, family(t), realConnector, args...)
}

func connectedTo(t *testing.T, bin string, kernel connectorKernel, args ...string) (
	pid event.TID, births [][2]event.TID, got []Record, err error,
) {
	t.Helper()
	k := startKeeper(t, append([]string{bin}, args...)...)
	c := connectTo(t, k, kernel)
	births = k.run(t)
	got, _, err = c.Close()
	return k.pid, births, got, err
}

// byUnknown takes the creators out of births: the connector does not know those of threads.
func byUnknown(births [][2]event.TID) (anonymous [][2]event.TID) {
	for _, b := range births {
		anonymous = append(anonymous, [2]event.TID{0, b[1]})
	}
	return anonymous
}

func TestThreadsAreToldByTheConnector(t *testing.T) {
	for _, args := range []string{"seq 2000", "par 8 200"} {
		t.Run(args, func(t *testing.T) {
			start := Now()
			pid, births, got, err := connected(t, strings.Fields(args)...)
			want, records := programmed(pid, byUnknown(births)), accountOf(got)
			slices.Sort(want.Births[0]) // creators of their own make them at the same time
			slices.Sort(records.Births[0])
			if diff := cmp.Diff(want, records); err != nil || diff != "" {
				t.Errorf("error %v (-program +witness):\n%.2000s", err, diff)
			}
			for _, r := range got {
				if r.PID != pid || r.Kind == event.Fork || r.At < start || r.At > Now() {
					t.Fatalf("got %v at %v, want only threads of %v between %v and now",
						r.Event, r.At, pid, start)
				}
				if start = r.At; r.Kind == event.Exit && r.Status != event.Exited(0) {
					t.Fatalf("got %v, want an end with 0", r.Event)
				}
			}
		})
	}
}

func TestStatusesAreToldByTheConnector(t *testing.T) {
	k := startKeeper(t, family(t), "codes")
	c := connectTo(t, k, realConnector)
	if err := k.in.Close(); err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, k.out)
	k.Wait() // it ends with 5
	records, _, err := c.Close()
	if err != nil {
		t.Fatal(err)
	}
	var children []event.TID
	for _, r := range records {
		if r.Kind.IsBirth() {
			children = append(children, r.Child)
		}
	}
	if len(children) != 3 {
		t.Fatalf("got %d births, want 3:\n%s", len(children), written(records))
	}
	ended := func(pid, tid event.TID, s event.Status) event.Event {
		return event.Event{Kind: event.Exit, PID: pid, TID: tid, Status: s}
	}
	want := []event.Event{
		{Kind: event.Exec, PID: k.pid, TID: k.pid},
		{Kind: event.Clone, PID: k.pid, Child: children[0]},
		ended(k.pid, children[0], event.Exited(7)),
		{Kind: event.Fork, PID: k.pid, TID: k.pid, Child: children[1]},
		ended(children[1], children[1], event.Exited(3)),
		{Kind: event.Fork, PID: k.pid, TID: k.pid, Child: children[2]},
		ended(children[2], children[2], event.Killed(9)),
		ended(k.pid, k.pid, event.Exited(5)),
	}
	var got []event.Event
	for _, r := range records {
		got = append(got, r.Event)
	}
	// A child's end is sent after it could be waited for: the next birth may come before it.
	byTask := func(events []event.Event) []event.Event {
		slices.SortStableFunc(events, func(a, b event.Event) int { return int(a.TID - b.TID) })
		return events
	}
	if diff := cmp.Diff(byTask(want), byTask(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExecsAndProcessesAreToldByTheConnector(t *testing.T) {
	pid, births, got, err := connected(t, "fork")
	want := programmed(pid, births)
	for _, b := range births {
		want.Execs = append(want.Execs, b[1])
	}
	compare(t, want, got, err)
}

func TestAnExecOffMainIsToldByTheConnector(t *testing.T) {
	bin := family(t)
	for range 20 { // which ends come late is chance
		pid, births, records, err := connectedTo(t, bin, realConnector, "exec", "8")
		if err != nil {
			t.Fatal(err)
		}
		got := accountOf(records)
		// One thread has executed, and its own id has no end; which, the program does not say.
		if len(births) != 9 || len(got.Ends) != 10 || len(got.Execs) != 2 ||
			records[len(records)-1].TID != pid {
			t.Errorf("%d births by the program, %d ends and %d execs, want 9, 10 and 2:\n%s",
				len(births), len(got.Ends), len(got.Execs), written(records))
		}
	}
}

// A tracer's attach and detach are told with the thread that traces.
func TestWhoTracesIsToldByTheConnector(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	k := startKeeper(t, family(t), "nothing")
	c := connectTo(t, k, realConnector)
	pid := int(k.pid)
	if err := unix.PtraceSeize(pid); err != nil {
		t.Skip("ptrace is refused here: ", err)
	}
	if err := unix.PtraceInterrupt(pid); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Wait4(pid, nil, unix.WALL, nil); err != nil {
		t.Fatal(err)
	}
	if err := unix.PtraceDetach(pid); err != nil {
		t.Fatal(err)
	}
	k.run(t)
	_, got, err := c.Close()
	if err != nil {
		t.Fatal(err)
	}
	self := event.TID(unix.Gettid())
	want := []Tracing{{PID: k.pid, TID: k.pid, Tracer: self}, {PID: k.pid, TID: k.pid}}
	for i := range got {
		got[i].At = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// 212,992 is what Linux has for net.core.rmem_max unless it is told otherwise.
func TestABurstBesideBusyProcessesIsCompleteOrSaysThatItIsNot(t *testing.T) {
	if testing.Short() {
		t.Skip("it is long")
	}
	const script = "for i in 1 2 3 4; do while :; do :; done & done; read go; kill 0"
	busy := exec.Command("sh", "-c", script)
	busy.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	in, err := busy.StdinPipe()
	if err == nil {
		err = busy.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		unix.Kill(-busy.Process.Pid, unix.SIGKILL) // it may have ended by itself
		busy.Wait()
	}()
	usual := realConnector
	usual.room = func(fd int) bool {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 212_992) != nil
	}
	pid, births, got, err := connectedTo(t, family(t), usual, "seq", "20000")
	if lost := (*LostError)(nil); errors.As(err, &lost) {
		t.Log(lost)
		return
	}
	compare(t, programmed(pid, byUnknown(births)), got, err)
}

func TestCloseOfAConnectorWhileTheProgramLives(t *testing.T) {
	k := startKeeper(t, family(t), "nothing")
	c := connectTo(t, k, realConnector)
	begin := time.Now()
	got, _, err := c.Close()
	if err != nil || len(got) > 0 || time.Since(begin) > patience {
		t.Errorf("got %v and error %v after %v, want nothing at once", got, err, time.Since(begin))
	}
	if _, _, err := c.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed twice: got error %v, want %v", err, os.ErrClosed)
	}
	k.run(t)
}

func TestAConnectorLeavesNoFilesAndNoGoroutines(t *testing.T) {
	bin := family(t)
	cycle := func() {
		k := startKeeper(t, bin, "seq", "10")
		c := connectTo(t, k, realConnector)
		k.run(t)
		if _, _, err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	cycle() // os/exec and the runtime open files when they are first used
	files, routines := testproc.OpenFiles(t), runtime.NumGoroutine()
	for range 10 {
		cycle()
	}
	if w, err := Connect(1 << 22); w != nil || !errors.Is(err, unix.ESRCH) {
		t.Errorf("got error %v, want %v", err, unix.ESRCH)
	}
	if got := testproc.OpenFiles(t); got != files {
		t.Errorf("got %d open files, want %d", got, files)
	}
	for runtime.NumGoroutine() > routines { // one that has closed its channel takes a moment
		runtime.Gosched()
	}
}

func TestAnOrdinaryUserWithoutPerfHasTheConnector(t *testing.T) {
	if !asUser(t) {
		return
	}
	runtime.LockOSThread() // for no_new_privs, which the filter gives to the other threads
	defer runtime.UnlockOSThread()
	if err := (rooms.Room{NoPerf: true}).Filter(); err != nil {
		t.Skip("no filter can be set: ", err)
	}
	k := startKeeper(t, family(t), "seq", "2000")
	if w, err := Open(int(k.pid)); w != nil || !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("perf: got error %v, want a refusal", err)
	}
	c := connectTo(t, k, realConnector)
	births := k.run(t)
	got, _, err := c.Close()
	compare(t, programmed(k.pid, byUnknown(births)), got, err)
	if ends := len(accountOf(got).Ends); ends != 2001 {
		t.Errorf("got %d ends, want 2,001", ends)
	}
}
