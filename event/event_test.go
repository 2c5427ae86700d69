package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
)

// labelled has one event of every shape, as text and as JSON.
var labelled = []struct{ text, json string }{
	{
		"main 4711: attach at 0x7f31",
		`{"kind":"attach","pid":4711,"tid":4711,"pc":"0x7f31","path":"main"}`,
	},
	{"4711: ready", `{"kind":"ready","pid":4711,"tid":4711}`},
	{
		"main 4711: clone main/1 4712",
		`{"kind":"clone","pid":4711,"tid":4711,"child":4712,"path":"main","child_path":"main/1"}`,
	},
	{"4711/4712: fork 4713", `{"kind":"fork","pid":4711,"tid":4712,"child":4713}`},
	{"4711: vfork 4713", `{"kind":"vfork","pid":4711,"tid":4711,"child":4713}`},
	{"4711: vforkdone", `{"kind":"vforkdone","pid":4711,"tid":4711}`},
	{
		"main/3 4711: exec from 4713",
		`{"kind":"exec","pid":4711,"tid":4711,"former":4713,"path":"main/3"}`,
	},
	{"4711: exec", `{"kind":"exec","pid":4711,"tid":4711}`},
	{"@2 4711/4712: exit 0", `{"kind":"exit","pid":4711,"tid":4712,"status":0,"path":"@2"}`},
	{"4711/4712: exit ?", `{"kind":"exit","pid":4711,"tid":4712}`},
	{"4711/4712: killed SIGRTMIN+3", `{"kind":"exit","pid":4711,"tid":4712,"signal":"SIGRTMIN+3"}`},
	{"4711: end SIGKILL", `{"kind":"end","pid":4711,"tid":4711,"signal":"SIGKILL"}`},
	{"4711: end 42", `{"kind":"end","pid":4711,"tid":4711,"status":42}`},
	{"4711/4712: signal SIGUSR1", `{"kind":"signal","pid":4711,"tid":4712,"signal":"SIGUSR1"}`},
}

func TestEventsAreReadAsTheyAreWritten(t *testing.T) {
	for _, c := range labelled {
		fromText, err := event.ParseText(c.text)
		if err != nil {
			t.Fatal(err)
		}
		fromJSON, err := event.ParseJSON([]byte(c.json))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fromText, fromJSON); diff != "" {
			t.Errorf("%s: text and JSON differ (-text +json):\n%s", c.text, diff)
		}
		if got := fromJSON.String(); got != c.text {
			t.Errorf("text: got %q, want %q", got, c.text)
		}
		if got := string(fromText.AppendJSON(nil)); got != c.json {
			t.Errorf("JSON: got %s, want %s", got, c.json)
		}
	}
}

func TestTimeSurvivesJSON(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	want := event.Labelled{Event: event.Event{Kind: event.VForkDone, TID: 1, Time: at}}
	got, err := event.ParseJSON(want.AppendJSON(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMalformedEventsAreRefused(t *testing.T) {
	for _, c := range []struct{ json, want string }{
		{`{"kind":"birth"}`, `"birth" is no kind of event`},
		{`{"kind":"signal","tid":1}`, "names no signal"},
		{`{"kind":"signal","tid":1,"signal":"SIGNONE"}`, `"SIGNONE" is no signal's name`},
		{`{"kind":"exit","tid":1,"status":256}`, "256 is no exit code"},
		{`{"kind":"exit","tid":1,"path":"main/0"}`, `"main/0" is no birth path`},
		{`{"kind":"attach","tid":1,"pc":"x"}`, `pc "x" is no address`},
		{`{"kind":"clone","tid":"x"}`, "cannot unmarshal"},
		{`{`, "unexpected end"},
	} {
		_, err := event.ParseJSON([]byte(c.json))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.json, err, c.want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"4711", "no colon"},
		{"x: exit 0", `"x" is no tid`},
		{"4711: clone", "clone takes the new task's path, where known, and its tid"},
		{"4711: clone main/1 2 3", "clone takes the new task's path, where known, and its tid"},
		{"4711: clone main/x 4712", `"x" is no count`},
		{"4711: clone main/1 x", `"x" is no tid`},
		{"4711: exec to 3", "exec takes no argument"},
		{"4711: exec from x", `"x" is no tid`},
		{"4711: attach at x", "invalid syntax"},
		{"4711: attach here", "attach has no place"},
		{"4711: exit", `"exit" lacks its argument`},
		{"4711: killed", `"killed" lacks its argument`},
		{"4711: killed 3", "exits with a code and is killed by a signal"},
		{"4711: signal", `"signal" lacks its argument`},
		{"4711: exit 300", "300 is no exit code"},
		{"other 4711: exit 0", "begins with neither main nor @N"},
		{"4711: dance", `"dance" is no kind`},
	} {
		_, err := event.ParseText(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.text, err, c.want)
		}
	}
}

func TestSignalNames(t *testing.T) {
	for n := event.Signo(1); n <= 127; n++ {
		got, err := event.ParseSignal(n.String())
		if err != nil || got != n {
			t.Errorf("signal %d is %s, which reads as %d, %v", n, n, got, err)
		}
	}
	for _, bad := range []string{"", "SIG", "SIG0", "SIG128", "SIGRTMIN+31", "SIG-1", "USR1", "9"} {
		if got, err := event.ParseSignal(bad); err == nil {
			t.Errorf("%q reads as %s", bad, got)
		}
	}
}

func TestStatusWords(t *testing.T) {
	for _, c := range []struct {
		word uint32
		want string
	}{
		{0x0000, "0"}, {0x2a00, "42"}, {0xff00, "255"}, {0x0009, "SIGKILL"}, {0x008b, "SIGSEGV"},
	} {
		if got := event.StatusOf(c.word).String(); got != c.want {
			t.Errorf("wait status %#x: got %s, want %s", c.word, got, c.want)
		}
	}
	unknown := event.Unknown
	if unknown.String() != "?" || unknown.Signal() != 0 || !unknown.Same(event.Exited(1)) {
		t.Error("an unknown status must be neither a code nor a signal, and the same as either")
	}
}

func TestPathsAreInFamilyOrder(t *testing.T) {
	order := []event.Path{
		"main", "main/1", "main/1/1", "main/1/2", "main/2", "main/10", "@1", "@1/1", "@2", "@10",
	}
	for i, a := range order {
		for j, b := range order {
			if got := a.Compare(b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s.Compare(%s) = %d", a, b, got)
			}
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, c := range labelled {
		f.Add([]byte(c.json))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		first, err := event.ParseJSON(line)
		if err != nil {
			return
		}
		again, err := event.ParseJSON(first.AppendJSON(nil))
		if err != nil {
			t.Fatalf("%s was read, and written as %s: %v", line, first.AppendJSON(nil), err)
		}
		if !first.Time.Equal(again.Time) {
			t.Fatalf("time: %v became %v", first.Time, again.Time)
		}
		first.Time, again.Time = time.Time{}, time.Time{}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatalf("%s changed when written and read (-first +again):\n%s", line, diff)
		}
	})
}

func FuzzParseText(f *testing.F) {
	for _, c := range labelled {
		f.Add(c.text)
	}
	f.Add("4: exec from 4")
	f.Fuzz(func(t *testing.T, line string) {
		first, err := event.ParseText(line)
		if err != nil {
			return
		}
		if first.Kind == event.Exec && first.Former == first.TID {
			first.Former = 0 // a leader keeps its id in an exec, which is written without "from"
		}
		again, err := event.ParseText(first.String())
		if err != nil {
			t.Fatalf("%q was read, and written as %q: %v", line, first, err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatalf("%q changed when written and read (-first +again):\n%s", line, diff)
		}
	})
}

// A tracer writes a line for each event, while many threads are alive.
func TestBirthLinesAreAppendedWithoutAllocation(t *testing.T) {
	clone := event.Event{Kind: event.Clone, PID: 4711, TID: 4712, Child: 4713}
	birth := event.Labelled{Event: clone, Path: "main/1", ChildPath: "main/1/1"}
	line := birth.AppendLine(nil)
	if got, want := string(line), "main/1 4711/4712: clone main/1/1 4713"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := testing.AllocsPerRun(100, func() { line = birth.AppendLine(line[:0]) }); n != 0 {
		t.Errorf("%v allocations a line, want none", n)
	}
}

// A history would keep every ended task in memory.
func TestForgetfulFamilyKeepsNoHistory(t *testing.T) {
	for _, forgetful := range []bool{true, false} {
		f := event.Family{Forgetful: forgetful}
		trace := event.Trace{
			{Kind: event.Ready, PID: 1, TID: 1}, {Kind: event.Clone, PID: 1, TID: 1, Child: 2},
		}
		for _, e := range trace {
			if _, err := f.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		life := f.Living(2)
		if life.Path != "main/1" || (life.Past == nil) != forgetful {
			t.Errorf("forgetful %t: %s has the past %v", forgetful, life.Path, life.Past)
		}
	}
}
