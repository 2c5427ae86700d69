package witness

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"golang.org/x/sys/unix"
)

// A fake stands for a kernel: it opens eventfds, maps plain memory, and returns the errors that it
// is given.
type fake struct {
	cpus, paranoid string
	formatErr      error // of open with PERF_FORMAT_LOST
	openErr        error // of every open
	budget         int   // in pages; 0 is no limit
	lost           uint64

	opened []int // the CPUs
	wakeup int   // the watermark of the last event, in bytes
	tried  []int // the pages of each mmap
	used   int   // pages
}

func (f *fake) kernel() kernel {
	return kernel{
		open: func(attr *unix.PerfEventAttr, pid, cpu int) (int, error) {
			f.opened, f.wakeup = append(f.opened, cpu), int(attr.Wakeup)
			if attr.Read_format != 0 && f.formatErr != nil {
				return -1, f.formatErr
			}
			if f.openErr != nil {
				return -1, f.openErr
			}
			return unix.Eventfd(0, unix.EFD_CLOEXEC)
		},
		mmap: func(fd, length int) ([]byte, error) {
			pages := length/os.Getpagesize() - 1
			if len(f.tried) > 0 && f.tried[len(f.tried)-1] != pages {
				f.used = 0 // a new round: the old rings are unmapped
			}
			f.tried = append(f.tried, pages)
			if f.used += pages + 1; f.budget > 0 && f.used > f.budget {
				return nil, unix.EPERM
			}
			const access = unix.PROT_READ | unix.PROT_WRITE
			const flags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
			return unix.Mmap(-1, 0, length, access, flags)
		},
		lost:    func(int) (uint64, error) { return f.lost, nil },
		disable: func(int) error { return nil },
		setting: func(file string) string {
			settings := map[string]string{
				onlineFile: f.cpus, paranoidFile: f.paranoid, mlockFile: "516",
			}
			return settings[file]
		},
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	before := testproc.OpenFiles(t)
	for _, c := range []struct {
		name string
		fake fake
		is   error
		want []string
	}{
		{
			"Debian's default",
			fake{openErr: unix.EACCES, paranoid: "3"},
			fs.ErrPermission,
			[]string{"process 7: perf_event_open: permission denied: " +
				"set kernel.perf_event_paranoid to 2 or 1 (it is 3) or give CAP_PERFMON"},
		},
		{
			"no /proc",
			fake{openErr: unix.EPERM, paranoid: "?"},
			fs.ErrPermission,
			[]string{"set kernel.perf_event_paranoid to 2 or 1 (it is ?)", "CAP_PERFMON"},
		},
		{
			"another user's, or seccomp",
			fake{openErr: unix.EPERM, paranoid: "2"},
			fs.ErrPermission,
			[]string{
				"give CAP_PERFMON", "kernel.perf_event_paranoid is 2", "another user's", "seccomp",
			},
		},
		{
			"not built in",
			fake{openErr: unix.ENOSYS},
			errors.ErrUnsupported,
			[]string{"the kernel has no perf events"},
		},
		{
			"no software events",
			fake{openErr: unix.ENOENT},
			errors.ErrUnsupported,
			[]string{"the kernel has no perf events"},
		},
		{
			"the process is gone",
			fake{openErr: unix.ESRCH},
			unix.ESRCH,
			[]string{"process 7: perf_event_open: no such process"},
		},
		{"no budget", fake{budget: 3}, fs.ErrPermission, []string{
			"mmap(perf ring): operation not permitted",
			"RLIMIT_MEMLOCK (it is ", "kernel.perf_event_mlock_kb (it is 516)", "CAP_IPC_LOCK",
		}},
		{
			"too old for the clock",
			fake{openErr: unix.EINVAL},
			unix.EINVAL,
			[]string{"perf_event_open: invalid argument"},
		},
		{
			"no list of CPUs",
			fake{cpus: "?"},
			nil,
			[]string{`read /sys/devices/system/cpu/online: "?" is no list`},
		},
	} {
		if c.fake.cpus == "" {
			c.fake.cpus = "0-1"
		}
		w, err := open(7, c.fake.kernel(), options{pages: 256})
		if w != nil || err == nil || c.is != nil && !errors.Is(err, c.is) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v and error %v, want one line that is %v", c.name, w, err, c.is)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got error %v, want one with %q", c.name, err, want)
			}
		}
	}
	if after := testproc.OpenFiles(t); after != before {
		t.Errorf("got %d open files after refusals, want %d", after, before)
	}
}

func TestRingsAreHalvedUntilAllFitTheBudget(t *testing.T) {
	for _, c := range []struct {
		budget int
		want   []int
	}{
		{0, []int{8, 8}},
		{18, []int{8, 8}},
		{17, []int{8, 8, 4, 4}},
		{4, []int{8, 4, 2, 2, 1, 1}},
		{3, []int{8, 4, 2, 2, 1, 1}},
	} {
		f := fake{cpus: "0,2", budget: c.budget}
		w, err := open(7, f.kernel(), options{pages: 8})
		if (err != nil) != (c.budget == 3) {
			t.Errorf("budget %d: got error %v", c.budget, err)
		}
		if diff := cmp.Diff(c.want, f.tried); diff != "" {
			t.Errorf("budget %d (-want +got):\n%s", c.budget, diff)
		}
		pages := c.want[len(c.want)-1]
		if want := pages * os.Getpagesize() / 8; f.wakeup != want {
			t.Errorf("budget %d: got a watermark of %d, want %d", c.budget, f.wakeup, want)
		}
		if err == nil {
			closeEmpty(t, w)
		}
	}
}

func TestManyAccountsShareTheBudget(t *testing.T) {
	for _, c := range []struct {
		cpus   int
		budget uint64 // pages
		want   int
	}{
		{2, math.MaxUint32, 256},
		{2, 2 * 4 * 2 * 257, 256},
		{2, 2*4*2*257 - 1, 128},
		{2, 2306, 128}, // Debian's 516 KiB a CPU and 8 MiB
		{64, 10304, 8},
		{1, 0, 8},
	} {
		got := ringPages(256, c.cpus, c.budget*uint64(os.Getpagesize()))
		if got != c.want {
			t.Errorf("%d CPUs, %d pages in all: got %d pages for each ring, want %d",
				c.cpus, c.budget, got, c.want)
		}
	}
}

func TestLostRecordsAreAnError(t *testing.T) {
	for _, c := range []struct {
		name string
		fake fake
		full bool
		want *LostError
	}{
		{"counted, none", fake{}, false, nil},
		{"counted, none, full", fake{}, true, nil},
		{"counted", fake{lost: 4}, false, &LostError{N: 8}}, // of two CPUs
		{"not counted, none", fake{formatErr: unix.EINVAL, lost: 4}, false, nil},
		{"not counted, full", fake{formatErr: unix.EINVAL}, true, &LostError{}},
	} {
		c.fake.cpus = "0-1"
		w, err := open(7, c.fake.kernel(), options{pages: 1})
		if err != nil {
			t.Fatal(err)
		}
		w.rings[1].full = c.full
		_, err = w.Close()
		var got *LostError
		if errors.As(err, &got); err != nil != (c.want != nil) {
			t.Errorf("%s: got error %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestLossesThatAnOldKernelRecordsAreAnError(t *testing.T) {
	f := fake{cpus: "0", formatErr: unix.EINVAL}
	w, err := open(7, f.kernel(), options{pages: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.rings[0].log = raw(recordLost, 0, 5, uint64(1), uint64(3))
	_, err = w.Close()
	var lost *LostError
	if !errors.As(err, &lost) || lost.N != 3 {
		t.Errorf("got error %v, want 3 lost", err)
	}
}

func TestACPUThatGoesOnlineIsAnError(t *testing.T) {
	f := fake{cpus: "0,2-3"}
	w, err := open(7, f.kernel(), options{pages: 1})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 2, 3}, f.opened); diff != "" {
		t.Errorf("CPUs (-want +got):\n%s", diff)
	}
	f.cpus = "0-3"
	const want = "online CPUs were 0,2-3 and are 0-3"
	if _, err := w.Close(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v", err)
	}
	if _, err := w.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed twice: got error %v, want %v", err, os.ErrClosed)
	}
}

func TestListsOfCPUs(t *testing.T) {
	for list, want := range map[string][]int{
		"0": {0}, "0-3": {0, 1, 2, 3}, "0,2,8-9": {0, 2, 8, 9},
		"": nil, "a": nil, "3-1": nil, "0-": nil, "0,": nil, "-1": nil, "0-99999999": nil,
	} {
		got, err := parseCPUs(list)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) {
			t.Errorf("%q: error %v (-want +got):\n%s", list, err, diff)
		}
	}
}

func closeEmpty(t *testing.T, w *Witness) {
	t.Helper()
	if records, err := w.Close(); len(records) != 0 || err != nil {
		t.Errorf("got %d records and error %v, want none", len(records), err)
	}
}
