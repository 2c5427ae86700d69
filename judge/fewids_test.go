package judge

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

// A fewIDsKernel has seven ids, and one program whose tasks do what chance decides. Between a claim
// and its birth, a birth and its announcement, and an exec and its claim, other tasks go on.
type fewIDsKernel struct {
	*rand.Rand
	unknown bool // some slots have no creator
	ledger  ledger
	came    int
	records []Record
	tasks   []*fewIDsTask
	born    map[int]*fewIDsTask // all tasks that were, by the slots of their births
	free    []event.TID
	had     map[event.TID][]int // the slots of the tasks that were born with an id, in order
	execs   map[event.TID][]int // the slots of the tasks of a process that executed, in order
}

type fewIDsTask struct {
	tid, pid event.TID
	first    event.TID // the id that it was born with
	maker    event.TID // the id that its creator had then
	slot     int
	claimed  int  // a slot for the task that it will make; 0 if none
	executed bool // it has no slot yet for what it became
	here     bool // it has announced itself
}

func newFewIDsKernel(seed uint64, unknown bool) *fewIDsKernel {
	k := &fewIDsKernel{
		Rand: rand.New(rand.NewPCG(seed, 0)), unknown: unknown,
		had: make(map[event.TID][]int), execs: make(map[event.TID][]int),
	}
	for tid := event.TID(11); tid <= 16; tid++ {
		k.free = append(k.free, tid)
	}
	k.tasks = []*fewIDsTask{{tid: 10, pid: 10, first: 10, slot: k.claim(UnknownCreator)}}
	k.born = map[int]*fewIDsTask{0: k.tasks[0]}
	k.had[10] = []int{0}
	k.announce(k.tasks[0])
	return k
}

func (k *fewIDsKernel) claim(creator int) int {
	k.ledger = append(k.ledger, Announcement{State: Claimed, Creator: creator})
	return len(k.ledger) - 1
}

func (k *fewIDsKernel) tell(e event.Event) {
	k.records = append(k.records, Record{Event: e, At: time.Duration(10 + len(k.records))})
}

// step has some task do something, if it can.
func (k *fewIDsKernel) step() {
	t := k.tasks[k.IntN(len(k.tasks))]
	switch what := k.IntN(10); {
	case !t.here && what < 3:
		k.announce(t)
	case !t.here:
	case what < 6 && t.claimed == 0:
		t.claimed = k.claim(t.slot)
		if k.unknown && what < 3 {
			k.ledger[t.claimed].Creator = UnknownCreator
		}
	case what < 6 && len(k.free) > 0:
		k.bear(t, what == 0)
	case what == 7 && !k.leads(t):
		k.end(t)
	case what > 7 && !k.unknown:
		// A task that an exec ends may never come. Then only its creator tells it from others.
		k.execute(t)
	}
}

func (k *fewIDsKernel) announce(t *fewIDsTask) {
	state := Born
	if t.executed {
		t.slot = k.claim(t.slot)
		k.execs[t.pid] = append(k.execs[t.pid], t.slot)
		state = Executed
	}
	k.came++
	a := &k.ledger[t.slot]
	a.State, a.TID, a.PID, a.Came = state, t.tid, t.pid, k.came
	t.here, t.executed = true, false
}

func (k *fewIDsKernel) bear(t *fewIDsTask, process bool) {
	i := k.IntN(len(k.free))
	child := &fewIDsTask{
		tid:   k.free[i],
		pid:   t.pid,
		first: k.free[i],
		maker: t.tid,
		slot:  t.claimed,
	}
	k.free, t.claimed = slices.Delete(k.free, i, i+1), 0
	birth := event.Event{Kind: event.Clone, PID: t.pid, TID: t.tid, Child: child.tid}
	if process {
		child.pid, birth.Kind = child.tid, event.Fork
	}
	k.tell(birth)
	k.tasks = append(k.tasks, child)
	k.had[child.tid] = append(k.had[child.tid], child.slot)
	k.born[child.slot] = child
}

// leads tells whether the task cannot end alone: it is the program's first, or leads others.
func (k *fewIDsKernel) leads(t *fewIDsTask) bool {
	return t.tid == 10 || slices.ContainsFunc(k.tasks, func(o *fewIDsTask) bool {
		return o != t && o.pid == t.tid
	})
}

func (k *fewIDsKernel) end(t *fewIDsTask) {
	k.tell(event.Event{Kind: event.Exit, PID: t.pid, TID: t.tid, Status: event.Unknown})
	k.tasks = slices.DeleteFunc(k.tasks, func(o *fewIDsTask) bool { return o == t })
	k.free = append(k.free, t.tid)
}

func (k *fewIDsKernel) execute(t *fewIDsTask) {
	for _, o := range slices.Clone(k.tasks) {
		if o != t && o.pid == t.pid {
			k.end(o)
		}
	}
	k.tell(event.Event{Kind: event.Exec, PID: t.pid, TID: t.pid})
	if t.tid != t.pid { // it takes the leader's id, and leaves its own
		k.free = slices.DeleteFunc(k.free, func(tid event.TID) bool { return tid == t.pid })
		k.free = append(k.free, t.tid)
		t.tid = t.pid
	}
	t.claimed, t.here, t.executed = 0, false, true
}

// evidence is that of the program, whose kernel gave its account or none.
func (k *fewIDsKernel) evidence(source Source) *Evidence {
	return &Evidence{
		Ledger:  k.ledger,
		Program: Program{State: Begun, Gate: 5, Status: event.Unknown},
		Account: Account{Source: source, Records: k.records, Cut: never},
	}
}

func TestLivesOfOneIDAreToldApart(t *testing.T) {
	reused := 0
	for seed := range uint64(4000) {
		k := newFewIDsKernel(seed, seed%2 == 1)
		for range seed % 200 {
			k.step()
		}
		witnessed, err := newTruth(k.evidence(Perf), event.Expected{})
		assert.NilError(t, err, "seed %d", seed)
		assert.NilError(t, witnessed.asAnnounced(k.ledger), "seed %d: %+v", seed, k.ledger)
		if k.unknown {
			continue // the ledger alone does not tell of all
		}
		alone, err := newTruth(k.evidence(NoAccount), event.Expected{})
		assert.NilError(t, err, "seed %d: %+v", seed, k.ledger)
		paths := k.ledger.paths()
		named := func(slots []int) (named []event.Path) {
			for _, slot := range slots {
				if paths[slot] != "" {
					named = append(named, paths[slot])
				}
			}
			return named
		}
		for slot, task := range k.born {
			n := slices.IndexFunc(alone.lives, func(l *life) bool { return l.Path == paths[slot] })
			if n < 0 {
				continue // it never came
			}
			l, want := alone.lives[n], []event.TID{task.tid, task.pid, task.first, task.maker}
			if task.executed {
				want[0] = l.TID // the ledger does not have that yet
			}
			assert.DeepEqual(t, []event.TID{l.TID, l.PID, l.First, l.Maker}, want)
		}
		for tid, slots := range k.had {
			var born, executed []event.Path
			for _, l := range alone.byTID[tid] {
				if l.First == tid {
					born = append(born, l.Path)
				}
			}
			for _, x := range alone.execs[tid] {
				executed = append(executed, x.by.Path)
			}
			diff := cmp.Diff(named(slots), born) + cmp.Diff(named(k.execs[tid]), executed)
			assert.Assert(t, diff == "", "seed %d, id %d (-want +got):\n%s%+v", seed, tid, diff,
				k.ledger)
			if len(born) > 1 {
				reused++
			}
		}
	}
	assert.Assert(t, reused > 1000, "%d", reused)
}
