package witness

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"golang.org/x/sys/unix"
)

// A Connector is an account by the proc connector that goes on until Close.
type Connector struct {
	kernel connectorKernel
	from   *subscription // nil once it is closed
	descent
	missing, overruns uint64        // of the subscription, when the account began
	changed           chan struct{} // has a value when notices have come
}

// Connect starts an account of a process and of all that descends from it from now on. The process
// must have one thread and no children. An execve by the process that is not complete yet may be in
// the account.
//
// Ordinary users are served from Linux 6.6 on, and only in the first user, pid and network
// namespaces: so in no usual container. A refusal says which it is. It matches [fs.ErrPermission]
// or [errors.ErrUnsupported].
func Connect(pid int) (*Connector, error) { return connect(pid, realConnector) }

func connect(pid int, k connectorKernel) (*Connector, error) {
	subscribed.mu.Lock()
	defer subscribed.mu.Unlock()
	s := subscribed.one
	if s == nil {
		var err error
		if s, err = k.subscribe(); err != nil {
			return nil, fmt.Errorf("process %d: proc connector: %w", pid, err)
		}
	}
	if err := unix.Kill(pid, 0); err == unix.ESRCH {
		if subscribed.one == nil {
			s.end(k)
		}
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	subscribed.one = s
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &Connector{
		kernel: k, from: s, descent: newDescent(event.TID(pid), Now()),
		missing: s.missing, overruns: s.overruns, changed: make(chan struct{}, 1),
	}
	s.accounts = append(s.accounts, c)
	return c, nil
}

// wake tells Close that notices have come.
func (c *Connector) wake() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// patience is how long Close waits for notices of tasks that are gone. Each is on its way unless it
// is lost: the task needs the CPU once more to send it. The limit only keeps a fault of ours from
// being a hang, so --time-scale does not apply.
const patience = 5 * time.Second

// Close ends the account and returns it in order of time. The end of each task that is gone or a
// zombie is in the account: Close waits for it. The error wraps a [*LostError] if notices were
// lost, of whatever process; the others are returned with it. After any error the account may be
// incomplete. A second Close is an error that matches [os.ErrClosed].
func (c *Connector) Close() ([]Record, []Tracing, error) {
	s := c.from
	if s == nil {
		return nil, nil, fmt.Errorf("close a witness: %w", os.ErrClosed)
	}
	err := c.awaitEnds()
	subscribed.mu.Lock()
	defer subscribed.mu.Unlock()
	s.mu.Lock()
	s.accounts = slices.DeleteFunc(s.accounts, func(one *Connector) bool { return one == c })
	last := len(s.accounts) == 0
	s.mu.Unlock()
	c.from = nil
	if last {
		subscribed.one = nil
		s.end(c.kernel)
	}
	return c.inOrder(), c.tracings, err
}

// awaitEnds waits until the ends of all tasks that are gone have been told. It returns a loss at
// once: what was lost does not come.
func (c *Connector) awaitEnds() error {
	s := c.from
	s.mu.Lock()
	living := make(map[event.TID]event.TID, len(c.living))
	for tid, pid := range c.living {
		living[tid] = pid
	}
	s.mu.Unlock()
	var gone []event.TID
	for tid, pid := range living {
		if isGone(pid, tid) {
			gone = append(gone, tid)
		}
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		s.mu.Lock()
		gone = slices.DeleteFunc(gone, func(tid event.TID) bool {
			_, lives := c.living[tid]
			return !lives
		})
		untold := len(gone) + len(c.late)
		lost := s.overruns > c.overruns || s.missing > c.missing
		missing, err := s.missing-c.missing, s.err
		s.mu.Unlock()
		switch {
		case err != nil:
			return err
		case lost:
			return &LostError{N: missing, Connector: true}
		case untold == 0:
			return nil
		}
		select {
		case <-c.changed:
		case <-timeout.C:
			return fmt.Errorf("the proc connector did not tell the ends of %d tasks in %v", untold,
				patience)
		}
	}
}

// isGone tells whether a task has ended, or is a zombie. Its tid may be that of another program's
// task by now; then its end was told before.
func isGone(pid, tid event.TID) bool {
	if unix.Tgkill(int(pid), int(tid), 0) == unix.ESRCH {
		return true
	}
	stat := system.setting(fmt.Sprintf("/proc/%d/task/%d/stat", pid, tid))
	_, state, _ := strings.Cut(stat[max(0, strings.LastIndexByte(stat, ')')):], " ")
	return strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X")
}

// A descent picks a process and all that descends from it out of the machine's notices.
type descent struct {
	begun     time.Duration
	records   []Record
	tracings  []Tracing
	processes map[event.TID]int         // how many tasks of each process live
	living    map[event.TID]event.TID   // the process of each task that lives
	late      map[event.TID]int         // the records of ends that the kernel has yet to tell
	execs     map[event.TID]*latestExec // by process
}

// A latestExec is the last exec of a process.
type latestExec struct {
	at time.Duration
	// late are the other tasks whose ends came after the exec, or did not come yet. If the leader
	// had ended one of them has executed, and ends under the leader's id.
	late        []event.TID
	leaderEnded bool
}

func newDescent(root event.TID, begun time.Duration) descent {
	return descent{
		begun: begun, processes: map[event.TID]int{root: 1},
		living: map[event.TID]event.TID{root: root}, late: make(map[event.TID]int),
		execs: make(map[event.TID]*latestExec),
	}
}

// follow follows one notice.
func (d *descent) follow(n *notice) {
	if n.at < d.begun {
		return // it may be about a process that had the root's id before
	}
	switch n.what {
	case whatFork:
		d.born(n)
	case whatExec:
		if d.processes[n.pid] > 0 {
			d.executed(n)
		}
	case whatExit:
		d.ended(n)
	case whatPtrace:
		if d.living[n.tid] == n.pid {
			d.tracings = append(d.tracings, Tracing{n.pid, n.tid, n.by, n.at})
		}
	}
}

func (d *descent) add(at time.Duration, e event.Event) {
	d.records = append(d.records, Record{Event: e, At: at})
}

// born follows a birth. The end of a task that had the id before may not be told yet: the kernel
// tells it when the id is free already.
func (d *descent) born(n *notice) {
	if n.tid == n.pid {
		for tid, pid := range d.living {
			if pid == n.pid {
				d.endLate(tid, n.at)
			}
		}
		if d.processes[n.byPID] == 0 {
			return
		}
		d.add(n.at, event.Event{Kind: event.Fork, PID: n.byPID, TID: n.by, Child: n.tid})
	} else {
		if d.processes[n.pid] == 0 {
			return
		}
		if _, lives := d.living[n.tid]; lives {
			d.endLate(n.tid, n.at)
		}
		d.add(n.at, event.Event{Kind: event.Clone, PID: n.pid, Child: n.tid})
	}
	d.living[n.tid] = n.pid
	d.processes[n.pid]++
}

// endLate ends a task whose end the kernel has yet to tell.
func (d *descent) endLate(tid event.TID, at time.Duration) {
	d.late[tid] = len(d.records)
	d.end(at, tid, event.Unknown)
}

func (d *descent) end(at time.Duration, tid event.TID, status event.Status) {
	pid := d.living[tid]
	d.add(at, event.Event{Kind: event.Exit, PID: pid, TID: tid, Status: status})
	delete(d.living, tid)
	if d.processes[pid]--; d.processes[pid] == 0 {
		delete(d.processes, pid)
		if x := d.execs[pid]; x != nil && len(x.late) == 0 {
			delete(d.execs, pid)
		}
	}
}

// executed follows an exec. All other tasks of the process are over then, but their ends may come
// later: the kernel sends each when the exec may go on already (de_thread in fs/exec.c).
func (d *descent) executed(n *notice) {
	x := &latestExec{at: n.at}
	for tid, pid := range d.living {
		if pid == n.pid && tid != n.pid {
			x.late = append(x.late, tid)
		}
	}
	slices.Sort(x.late)
	_, leaderLives := d.living[n.pid]
	x.leaderEnded = !leaderLives
	d.living[n.pid] = n.pid
	d.processes[n.pid] = 1 + len(x.late)
	for _, tid := range x.late {
		d.endLate(tid, n.at)
	}
	d.execs[n.pid] = x
	d.settle(x)
	d.add(n.at, event.Event{Kind: event.Exec, PID: n.pid, TID: n.pid})
}

// settle takes back the end of the task that has executed, once it is known which that is.
func (d *descent) settle(x *latestExec) {
	if x.leaderEnded && len(x.late) == 1 {
		d.records[d.late[x.late[0]]].Kind = 0
		delete(d.late, x.late[0])
		x.late = nil
	}
}

func (d *descent) ended(n *notice) {
	x := d.execs[n.pid]
	if i, late := d.late[n.tid]; late && d.records[i].PID == n.pid {
		d.records[i].Status = n.status
		delete(d.late, n.tid)
		if x != nil {
			x.late = slices.DeleteFunc(x.late, func(tid event.TID) bool { return tid == n.tid })
			d.settle(x)
		}
		return
	}
	switch pid, lives := d.living[n.tid]; {
	case !lives || pid != n.pid:
	case x != nil && n.tid == n.pid && n.at < x.at:
		// the leader that the executing task has replaced
		d.add(n.at, event.Event{Kind: event.Exit, PID: pid, TID: pid, Status: n.status})
		x.leaderEnded = true
		d.settle(x)
	default:
		d.end(n.at, n.tid, n.status)
	}
}

// inOrder are the records by time. Those of one time stay in their order.
func (d *descent) inOrder() []Record {
	records := slices.DeleteFunc(d.records, func(r Record) bool { return r.Kind == 0 })
	slices.SortStableFunc(records, func(a, b Record) int { return cmp.Compare(a.At, b.At) })
	return records
}
