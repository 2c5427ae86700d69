package judge

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
	"gotest.tools/v3/assert"
)

// encoded is a whole run as JSON.
func encoded(t *testing.T, s *sketch) string {
	t.Helper()
	var b bytes.Buffer
	assert.NilError(t, s.evidence(t).Encode(&b))
	return b.String()
}

// wholeSketch has something in each part of its evidence.
func wholeSketch() *sketch {
	s := stoppedOnce()
	s.Again, s.Took = "tidcheck run sketched sketch", 2*time.Second
	s.Debugger.Version = "1.2"
	s.before = []Task{{TID: 100, PID: 100, State: "S (sleeping)", Motion: SeenOnce}}
	s.Control.Statuses = map[event.Path]event.Status{"main": event.Exited(0)}
	for i := range s.stop().Stood.Tasks {
		both(i, func(k *Task) { k.Motion = SeenOnce })(s)
	}
	return s
}

func TestEvidenceWithoutMeaningIsRefusedInOneLine(t *testing.T) {
	for _, c := range []struct{ name, from, to, want string }{
		{"another form", `"form": 1`, `"form": 2`, "its form is 2, and this tidcheck reads form 1"},
		{"no form", `"form": 1,`, ``, "its form is 0, and this tidcheck reads form 1"},
		{
			"an unknown field", `"scenario":`, `"colour": "red", "scenario":`,
			`json: unknown field "colour"`,
		},
		{
			"an unknown field of a task", `"state": "S (sleeping)"`,
			`"state": "S", "colour": "red"`,
			`json: unknown field "colour"`,
		},
		{
			"an unknown state", `"state": "done"`, `"state": "fine"`,
			`progress: "fine" is none of ["done" "timed out" "failed" ` +
				`"unsupported" "untested" "unresolved"]`,
		},
		{
			"an unknown mode", `"mode": "stops"`, `"mode": "sideways"`,
			`mode: "sideways" is none of `,
		},
		{"an unknown end", `"state": "ended"`, `"state": "gone"`, `end: "gone" is none of `},
		{
			"an unknown end of a round", `"ledger": [`,
			`"rounds": [{"said": null, "end": {"state": "gone"}}], "ledger": [`,
			`end of a round: "gone" is none of `,
		},
		{
			"an unknown request", `"attach": {
  "state": "not asked"`, `"attach": {
  "state": "begged"`, `attach: "begged" is none of `,
		},
		{
			"a refused detach", `"detach": {
  "state": "not asked"`, `"detach": {
  "state": "refused"`, `detach: "refused" is none of `,
		},
		{"an unknown program", `"state": "over"`, `"state": "lost"`, `program: "lost" is none of `},
		{
			"an unknown source", `"source": "perf"`, `"source": "rumour"`,
			`account: "rumour" is none of `,
		},
		{"an unknown slot", `"state": "born"`, `"state": "hatched"`, `slot: "hatched" is none of `},
		{"an unknown moment", `"when": "standing"`, `"when": "noon"`, `look: "noon" is none of `},
		{
			"an unknown motion", `"motion": "seen once"`, `"motion": "wild"`,
			`motion: "wild" is none of `,
		},
		{"no state", `"state": "done"`, `"state": ""`, `progress: "" is none of `},
		{
			"an unknown party", `"state": "done"`, `"state": "done", "by": "chance"`,
			`party: "chance" is none of `,
		},
		{
			"a creator beyond the ledger", `"creator": 2`, `"creator": 4`,
			"slot 3: there is no slot 4",
		},
		{"no creator", `"creator": 2`, `"creator": -2`, "slot 3: there is no slot -2"},
		{"another kind of value", `"form": 1`, `"form": "one"`, "it is no evidence: json: "},
		{"no JSON", `{`, `form`, "it is no evidence: invalid character"},
		{"an unknown event", `"kind": "clone"`, `"kind": "spawn"`, `"spawn"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := encoded(t, wholeSketch())
			replace(&text, c.from, c.to)
			got, err := Decode(strings.NewReader(text))
			assert.Assert(t, err != nil, "%+v", got)
			assert.Assert(t, strings.Contains(err.Error(), c.want), "got %q, want %q in it", err,
				c.want)
			assert.Equal(t, strings.Count(err.Error(), "\n"), 0, "%q", err)
		})
	}
}

func TestEvidenceThatIsCutOffIsRefused(t *testing.T) {
	whole := strings.TrimSpace(encoded(t, wholeSketch()))
	for length := range len(whole) {
		_, err := Decode(strings.NewReader(whole[:length]))
		assert.ErrorContains(t, err, "it is no evidence: ")
		assert.Equal(t, strings.Count(err.Error(), "\n"), 0, "%q", err)
	}
	_, err := Decode(strings.NewReader(whole))
	assert.NilError(t, err)
}

// reread is evidence as it is read after it was written.
func reread(t *testing.T, e *Evidence) *Evidence {
	t.Helper()
	var b bytes.Buffer
	assert.NilError(t, e.Encode(&b))
	got, err := Decode(&b)
	assert.NilError(t, err)
	return got
}

func TestEveryNamedStateSurvivesEncoding(t *testing.T) {
	keep := func(change func(*sketch)) {
		t.Helper()
		s := wholeSketch()
		change(s)
		want := s.evidence(t)
		sameWant := cmp.Comparer(func(a, b event.Want) bool { return a.String() == b.String() })
		diff := cmp.Diff(want, reread(t, want), cmpopts.EquateEmpty(), sameWant)
		assert.Check(t, diff == "", "(-written +read):\n%s", diff)
	}
	for _, m := range fixtures.Modes {
		keep(func(s *sketch) { s.Mode = m })
	}
	for _, state := range []ProgressState{Done, TimedOut, Failed, NotSupplied, Lacking, OurFault} {
		for _, by := range []Party{"", ByDebugger, ByProgram} {
			keep(func(s *sketch) {
				s.Progress = Progress{State: state, Step: "a step", By: by, Reason: "a reason"}
			})
		}
	}
	for _, state := range []EndState{NoSession, Ended, EndFailed, Unending} {
		keep(func(s *sketch) { s.End = End{State: state, Reason: "a reason"} })
	}
	for _, state := range []IntervalState{NotAsked, Asked, Complete, Refused} {
		one := Interval{State: state, Asked: 1, Complete: 2, Reason: "a reason"}
		keep(func(s *sketch) { s.Attach = one })
		if state != Refused {
			keep(func(s *sketch) { s.Detach, s.stop().During = one, one })
		}
	}
	for _, state := range []ProgramState{NotBegun, Begun, Over} {
		keep(func(s *sketch) { s.Program.State = state })
	}
	for _, status := range []event.Status{event.Exited(7), event.Killed(9), event.Unknown} {
		keep(func(s *sketch) { s.Program.Status = status })
	}
	for _, state := range []SlotState{Claimed, Born, Executed, Host} {
		keep(func(s *sketch) { s.Ledger[1].State = state })
		keep(func(s *sketch) { s.Ledger[1].State, s.Ledger[1].Creator = state, UnknownCreator })
	}
	for _, change := range []func(*sketch){
		func(*sketch) {}, (*sketch).withoutAccount, (*sketch).connected,
		func(s *sketch) { s.conn = s.kernel },
		func(s *sketch) {
			s.Account.Tracings = []Tracing{{PID: 100, TID: 101, Tracer: 7, At: 3}}
		},
	} {
		keep(change)
	}
	moments := []When{BeforeAttach, AtKill, AfterDetach, AtOverdue, AtStop, AfterList, AfterResume}
	for _, when := range moments {
		for _, motion := range []Motion{SeenOnce, Still, Moved} {
			keep(func(s *sketch) {
				s.Looks = []Look{
					{
						When:  when,
						At:    3,
						Tasks: []Task{{TID: 1, PID: 1, State: "R", Motion: motion}},
					},
				}
			})
		}
	}
	for _, a := range append(slices.Clone(AllFields), Stop, Threads, Detach, Step) {
		keep(func(s *sketch) { s.Debugger.Abilities = Abilities{a} })
	}
	keep(func(s *sketch) { s.Program.Alone = true })
}

// The events of one line stand together in JSON, and are told apart when they are read.
func TestWordsOfOneLineSurviveEncoding(t *testing.T) {
	e := wholeSketch().evidence(t)
	for i := range e.Words {
		e.Words[i].At = time.Duration(i)
	}
	e.Words[1].At, e.Words[1].Line = e.Words[0].At, e.Words[0].Line
	e.Words[3].Line = e.Words[2].Line // at another time
	assert.DeepEqual(t, reread(t, e).Words, e.Words)
	assert.DeepEqual(t, reread(t, e).Words.Trace(), e.Words.Trace())
}

// A field that is added without a JSON name, or that is not written, would be lost in silence.
func TestEveryFieldOfAnEvidenceIsWritten(t *testing.T) {
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i))
			}
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Float64:
			v.SetFloat(1)
		case reflect.Int, reflect.Int64:
			v.SetInt(1)
		case reflect.Uint64:
			v.SetUint(1)
		case reflect.String:
			v.SetString("x")
		}
	}
	for _, one := range []any{
		&Debugger{}, &Control{}, &Progress{}, &End{}, &Interval{}, &Program{}, &Announcement{},
		&Account{},
		&Look{}, &Standstill{}, &Task{},
	} {
		v := reflect.ValueOf(one).Elem()
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			assert.Check(t, name != "" && name != "-", "%T.%s has no name in JSON", one, field.Name)
		}
		fill(v)
	}
	var task Task
	fill(reflect.ValueOf(&task).Elem())
	task.Motion = Still
	e := wholeSketch().evidence(t)
	e.Looks = []Look{{When: AtOverdue, At: 1, Tasks: []Task{task}}}
	assert.DeepEqual(t, reread(t, e).Looks, e.Looks)
}
