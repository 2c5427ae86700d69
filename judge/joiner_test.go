package judge

import (
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

// How the connector's records, which name no creators of threads, are joined with the ledger.

// pathsOf are the paths of the tasks that had each id, by an account of the connector's.
func pathsOf(t *testing.T, s *sketch) map[event.TID][]event.Path {
	t.Helper()
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	paths := make(map[event.TID][]event.Path)
	for tid, lives := range truth.byTID {
		for _, l := range lives {
			paths[tid] = append(paths[tid], l.Path)
		}
	}
	return paths
}

func TestTheLedgerNamesTheCreatorsThatTheConnectorDoesNot(t *testing.T) {
	process := func(pid event.TID, creator int) Announcement {
		return Announcement{State: Born, TID: pid, PID: pid, Creator: creator}
	}
	for _, c := range []struct {
		name   string
		change func(*sketch)
		want   map[event.TID][]event.Path
	}{
		{"a thread of another program is none of its tasks", func(s *sketch) {
			replace(&s.conn, "10 100/0: clone 101", "8 200/0: clone 201\n10 100/0: clone 101")
		}, map[event.TID][]event.Path{101: {"main/1"}, 201: nil}},
		{"an id that two tasks had, made by two", func(s *sketch) {
			replace(&s.conn, "40 100/101: exit 0", "40 100/101: exit 0\n41 100/0: clone 101")
			s.Ledger = append(s.Ledger, slot(101, 2))
		}, map[event.TID][]event.Path{101: {"main/1", "main/2/2"}}},
		{"the host's id, which a task of the fixture has later", func(s *sketch) {
			replace(&s.conn, "10 100/0: clone 101", "3 100/0: clone 103\n4 100/103: exit 0\n"+
				"10 100/0: clone 101")
			s.Ledger = append(s.Ledger, hostSlot(103))
			for i := range s.Ledger {
				s.Ledger[i].Came = (i + 1) % len(s.Ledger)
			}
		}, map[event.TID][]event.Path{103: {"@1", "main/2/1"}}},
		{"the only task that lives on makes one that is silent", func(s *sketch) {
			s.conn = "2 100: exec\n10 100/0: clone 101\n15 100/101: exit 0\n20 100/0: clone 102"
			s.Ledger = s.Ledger[:1]
		}, map[event.TID][]event.Path{101: {"main/1"}, 102: {"main/2"}}},
		{"a process that was made with CLONE_PARENT executes", func(s *sketch) {
			s.Ledger = append(s.Ledger, process(200, 0), process(201, 4),
				Announcement{State: Executed, TID: 201, PID: 201, Creator: 5})
			replace(&s.conn, "60 100: exit 0", "52 100: fork 200\n53 100: fork 201\n"+
				"54 201: exec\n55 201: exit 0\n60 100: exit 0")
		}, map[event.TID][]event.Path{200: {"main/3"}, 201: {"main/3/1"}}},
		{"the task that executed makes two", func(s *sketch) {
			*s = *whole["executed"]()
			replace(&s.conn, "50 100/103: exit 4", "45 100/0: clone 104\n50 100/103: exit 4")
			s.Ledger = append(s.Ledger, slot(104, 3))
		}, map[event.TID][]event.Path{103: {"main/1/1"}, 104: {"main/1/2"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := connected(launched)()
			c.change(s)
			paths := pathsOf(t, s)
			for tid, want := range c.want {
				assert.DeepEqual(t, paths[tid], want)
			}
		})
	}
}

// Threads of unknown creators in a process are below what made that process.
func TestAThreadOfUnknownBirthIsForeignWithItsProcess(t *testing.T) {
	testRule(t, "complete", connected(attached), []variant{
		{"", func(s *sketch) {
			s.conn = `
				2 100: exec
				6 100: fork 200
				10 100/0: clone 101
				20 100/0: clone 102
				25 100/0: clone 103
				30 200: fork 201
				31 201/0: clone 202
				32 201/0: clone 203
				33 201/202: exit 0
				34 201/203: exit 0
				35 201: exit 0
				36 200: exit 0`
			s.before = append(s.before, Task{TID: 200, PID: 200})
		}, ""},
	})
}

// twiceExecuted is a program in which main executes, then main/2, and then its thread. It makes two
// processes: 200, whose thread has the id 101 before main/2 has it, and 300, whose thread executes.
func twiceExecuted() *sketch {
	s := launched()
	s.kernel, s.conn = "", `
		2 100: exec
		6 100: exec
		7 100: fork 200
		8 200/0: clone 101
		9 200/101: exit 0
		10 200: exit 0
		11 100/0: clone 101
		12 100/101: exit 1
		20 100/0: clone 101
		21 100/0: clone 102
		22 100/101: fork 300
		23 300/0: clone 301
		24 300: exit 8
		25 300: exec
		26 300: exit 9
		30 100/102: exit 0
		31 100: exit 5
		32 100: exec
		40 100/0: clone 103
		50 100: exit 6
		55 100: exec
		57 100: exec
		60 100: exit 7`
	of := func(pid event.TID, a Announcement) Announcement {
		a.PID = pid
		return a
	}
	s.Ledger = []Announcement{
		slot(100, UnknownCreator), became(0), of(200, slot(200, 1)), of(200, slot(101, 2)),
		slot(101, 1), slot(101, 1), slot(102, 1), of(300, slot(300, 5)), of(300, slot(301, 7)),
		{State: Executed, TID: 300, PID: 300, Creator: 8},
		became(5), slot(103, 10), became(11),
		became(12),
	}
	return s
}

// If a leader's end is sent while another task of its process executes, it may be told under that
// task's id.
func TestALeadersEndIsFoundUnderTheOtherID(t *testing.T) {
	want, err := twiceExecuted().newTruth(t)
	assert.NilError(t, err)
	for _, c := range []struct{ name, from, to string }{
		{"of each exec under its own", "2 100: exec", "2 100: exec"},
		{"of the first process's first", "31 100: exit 5", "31 100/101: exit 5"},
		{"of its second", "50 100: exit 6", "50 100/103: exit 6"},
		{"of another process", "24 300: exit 8", "24 300/301: exit 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := twiceExecuted()
			replace(&s.conn, c.from, c.to)
			got, err := s.newTruth(t)
			assert.NilError(t, err)
			assert.NilError(t, got.asAnnounced(s.Ledger))
			for i, l := range got.lives {
				of := want.lives[i]
				assert.Equal(t, l.Path, of.Path)
				assert.Equal(t, l.died, of.died, "%s", l.Path)
				assert.Equal(t, l.told, of.told, "%s", l.Path)
			}
		})
	}
	for name, change := range map[string]func(*sketch){
		"by an unknown task": func(s *sketch) { s.Ledger[10].Creator = UnknownCreator },
		"once too often":     func(s *sketch) { s.Ledger = append(s.Ledger, became(13)) },
	} {
		s := twiceExecuted()
		change(s)
		assert.ErrorContains(t, Open(s.evidence(t)).Fault(), "the kernel told of no ", name)
	}
}

// The evidence is as it was when it has been judged.
func TestJudgingChangesNoEvidence(t *testing.T) {
	both := launched()
	both.besides("60 100: exit 0", "61 100: exit 0")
	for _, s := range []*sketch{both, twiceExecuted()} {
		e := s.evidence(t)
		var before, after strings.Builder
		assert.NilError(t, e.Encode(&before))
		Open(e).Rulings()
		assert.NilError(t, e.Encode(&after))
		assert.Equal(t, before.String(), after.String())
	}
}
