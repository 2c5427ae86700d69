package event_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
)

func expand(
	t *testing.T, lines string, params event.Params, kernel [2]int,
) (event.Expected, error) {
	t.Helper()
	var wants []event.Want
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		w, err := event.ParseWant(line)
		if err != nil {
			t.Fatal(err)
		}
		wants = append(wants, w)
	}
	return event.Expand(wants, params, kernel)
}

// compare expands want lines and compares them with a form, as a tracer sees it.
func compare(t *testing.T, wants string, params event.Params, form string) (want, got []string) {
	t.Helper()
	x, err := expand(t, wants, params, [2]int{6, 1})
	if err != nil {
		t.Fatal(err)
	}
	return x.Compare(parseForm(t, form), event.Traced)
}

func parseForm(t *testing.T, text string) event.Form {
	t.Helper()
	form, err := event.ParseForm(text)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func TestFormsAsWanted(t *testing.T) {
	for _, c := range []struct{ name, wants, form string }{
		{
			"a range", "main: clone main/1..n, exit 0\nmain/1..n: exit 0",
			"main: clone main/1, clone main/2, exit 0\nmain/1: exit 0\nmain/2: exit 0",
		},
		{
			"a name that an earlier line binds",
			"main: clone main/1..n\nmain/1..n: clone main/i/1..m, exit 0\nmain/i/1..m: exit 0",
			"main: clone main/1, clone main/2\n" +
				"main/1: clone main/1/1, exit 0\nmain/1/1: exit 0\n" +
				"main/2: clone main/2/1, exit 0\nmain/2/1: exit 0",
		},
		{
			"generations", "main/1..n^0..d-1: clone ./1..n, exit 0\nmain/1..n^d: exit 0",
			"main: clone main/1, clone main/2, exit 0\n" +
				"main/1: clone main/1/1, clone main/1/2, exit 0\n" +
				"main/1/1: exit 0\nmain/1/2: exit 0\n" +
				"main/2: clone main/2/1, clone main/2/2, exit 0\n" +
				"main/2/1: exit 0\nmain/2/2: exit 0",
		},
		{"kernels", "[linux<6.0] main: exit 7\n[linux>=6.0] main: exit 9", "main: exit 9"},
		{"kinds left open", "main: exit 0", "main: clone main/1, signal SIGHUP, exit 0\nmain/1:"},
		{
			"bounds", "*: at least n clone *, at most n exit 0, at least 3 exit",
			"main: clone main/1, clone main/2, exit 0\nmain/1: exit 0\nmain/2: exit 3",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, got := compare(t, c.wants, event.Params{"n": 2, "m": 1, "d": 2}, c.form)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestArithmeticHasTheUsualPrecedence(t *testing.T) {
	params := event.Params{"n": 2, "m": 5}
	for expr, want := range map[string]int{
		"3": 3, "n": 2, "1+n": 3, "m-n": 3, "2*m": 10, "m/n": 2,
		"1+2*n": 5, "2*n+1": 5, "n*m+n": 12, "1+n*m": 11, "m+4/n": 7, "4/n+m": 7,
		"9-m-n": 2, "9-m+n": 6, "8/n/2": 2, "7/n*2": 6, "1+2*n-m/n+1": 4,
		"(1+2)*n": 6, "2*(n+1)": 6, "9-(m-n)": 6, "8/(n*2)": 2, "((m))": 5, "(1+n)*(m-n)": 9,
	} {
		x, err := expand(t, "main: clone main/("+expr+")", params, [2]int{6, 1})
		if err != nil {
			t.Fatal(err)
		}
		line, _ := x.Line(event.Main)
		if got := line.String(); got != fmt.Sprintf("main: clone main/%d", want) {
			t.Errorf("%s, n=2 m=5: got %s, want %d", expr, got, want)
		}
	}
}

// Arithmetic stands in the ends of ranges, in repetitions and in the counts of bounds.
func TestArithmeticInEveryPlace(t *testing.T) {
	for wants, form := range map[string]string{
		"main: clone main/1+2*n..2+n*2":               "main: clone main/5, clone main/6",
		"main: clone main/(4/n)/1":                    "main: clone main/2/1",
		"main: clone main/1^1+2*n-4":                  "main: clone main/1",
		"*: at least 1+2*n exec":                      "main: exec" + strings.Repeat(", exec", 4),
		"*: at most 4/n-1 clone *, at most 9 clone *": "main: clone main/1",
	} {
		want, got := compare(t, wants, event.Params{"n": 2}, form)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", wants, diff)
		}
	}
	// One event fewer than the count's value is too few, one more is too many.
	for wants, form := range map[string]string{
		"*: at least 1+2*n clone *": "main: clone main/1, clone main/2, clone main/3, clone main/4",
		"*: at most 4/n-1 clone *":  "main: clone main/1, clone main/2",
	} {
		if want, got := compare(t, wants, event.Params{"n": 2}, form); cmp.Equal(want, got) {
			t.Errorf("%s accepts %s", wants, form)
		}
	}
}

func TestFormsThatAreNotAsWanted(t *testing.T) {
	for _, c := range []struct{ name, want, form string }{
		{
			"a birth too many",
			"main: clone main/1..n", "main: clone main/1, clone main/2, clone main/3",
		},
		{"a task too few", "main/1..n: exit 0", "main/1: exit 0"},
		{"another status", "main: exit 0", "main: exit 1"},
		{"another signal", "main: killed SIGKILL", "main: killed SIGSEGV"},
		{"another order", "main: clone main/1, signal SIGHUP", "main: signal SIGHUP, clone main/1"},
		{"a process for a thread", "main: clone main/1..n", "main: fork main/1, clone main/2"},
		{
			"a signal that was not wanted",
			"main: signal SIGUSR1, exit 0", "main: signal SIGUSR1, signal SIGUSR1, exit 0",
		},
		{"too few in all", "*: at least n clone *", "main: clone main/1"},
		{"too many of one", "main: at most 1 clone *", "main: clone main/1, clone main/2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if want, got := compare(t, c.want, event.Params{"n": 2}, c.form); cmp.Equal(want, got) {
				t.Errorf("%q accepts:\n%s", c.want, c.form)
			}
		})
	}
}

func TestAViewLeavesOutWhatItCannotSee(t *testing.T) {
	const wants = "main: clone main/1, vfork main/2, vforkdone, clone main/3 untraced, " +
		"signal SIGHUP, exit 7, end 9"
	x, err := expand(t, wants, nil, [2]int{6, 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		view event.View
		form string
	}{
		{
			"traced", event.Traced,
			"main: clone main/1, vfork main/2, vforkdone, signal SIGHUP, exit 7, end 9",
		},
		{
			"witnessed",
			event.Witnessed,
			"main: clone main/1, fork main/2, clone main/3, exit ?",
		},
		{"announced", event.Announced, "main: clone main/1, fork main/2, clone main/3"},
	} {
		want, got := x.Compare(parseForm(t, c.form), c.view)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// No tracer sees what an untraced task does, nor what its children do.
func TestATracersViewLeavesOutUntracedTasks(t *testing.T) {
	x, err := expand(t, "main: clone main/1 untraced, clone main/2, exit 0\n"+
		"main/1: clone main/1/1, exit 0\nmain/1/1: exit 0\nmain/2: exit 0", nil, [2]int{6, 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		view event.View
		want []string
	}{
		{event.Traced, []string{"main: clone main/2, exit 0", "main/2: exit 0"}},
		{event.Witnessed, []string{
			"main: clone main/1, clone main/2, exit ?", "main/1: clone main/1/1, exit ?",
			"main/1/1: exit ?", "main/2: exit ?",
		}},
	} {
		want, _ := x.Compare(nil, c.view)
		if diff := cmp.Diff(c.want, want); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for path, want := range map[event.Path]bool{
		"main": false, "main/1": true, "main/1/1": true, "main/2": false, "main/10": false,
	} {
		if got := x.Untraced(path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

func TestMalformedWants(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"main", "no colon"},
		{"main: leap", `"leap" is no kind of event`},
		{"main: attach", "attach has no place in a canonical form"},
		{"main: clone", "takes the new task's path"},
		{"main: exit", `"exit" lacks its argument`},
		{"main: exit 300", "300 is no exit code"},
		{"main: killed 3", "exits with a code and is killed by a signal"},
		{"main:", "an event is missing"},
		{"other: exit 0", "begins with neither"},
		{"main/-: exit 0", "neither a number nor a name"},
		{"main/(1: exit 0", `"(1" is neither a number nor a name`},
		{"main/1): exit 0", `"1)" is neither a number nor a name`},
		{"main/(1)(2): exit 0", "neither a number nor a name"},
		{"main/(): exit 0", `"" is neither a number nor a name`},
		{"main/4/n: exit 0, at least 4//n exit", `"" is neither a number nor a name`},
		{"*: exit 0", "* goes with at least and at most only"},
		{"main: clone *", "* goes with at least and at most only"},
		{"*/1: at least 1 exit", "* stands alone"},
		{"./1: exit 0", "begins with main, @N or *"},
		{"[linux6] main: exit 0", "is no limit"},
		{"[linux<6] main: exit 0", "is no kernel version"},
		{"[linux<6.0 main: exit 0", "no ]"},
	} {
		_, err := event.ParseWant(c.line)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got error %v, want one with %q", c.line, err, c.want)
		}
	}
	for _, c := range []struct{ wants, want string }{
		{"main: clone main/1..k", `"k" has no value (the parameters are: n)`},
		{"main/1..n: exit 0\nmain/2: exit 0", "an earlier line states main/2"},
		{"main/0..n: exit 0", "births are counted from 1"},
		{"main/1..n*9999999: exit 0", "stands for more than 131072 tasks"},
		{"main/1..100000/1..100000: exit 0", "stands for more than 131072 tasks"},
		{"main/1..(n/(n-2)): exit 0", `"n/(n-2)" divides by zero`},
		{"main/1..n^40: exit 0", "stands for more than"},
		{"main/1^999: exit 0", "generations"},
	} {
		_, err := expand(t, c.wants, event.Params{"n": 2}, [2]int{6, 1})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got error %v, want one with %q", c.wants, err, c.want)
		}
	}
}

func FuzzParseWant(f *testing.F) {
	f.Add("main: clone main/1..n, exit 0")
	f.Add("[linux<6.0] main/1..m^0..d-1: clone ./1..m untraced, killed SIGKILL")
	f.Add("*: at least n clone *, at most 3 exit")
	f.Fuzz(func(t *testing.T, line string) {
		w, err := event.ParseWant(line)
		if err != nil {
			return
		}
		if _, err := event.ParseWant(w.String()); err != nil {
			t.Fatalf("%q was read, and not again: %v", line, err)
		}
		x, err := event.Expand([]event.Want{w}, event.Params{"n": 3, "m": 2, "d": 2}, [2]int{6, 1})
		if err != nil {
			return
		}
		x.Compare(event.Form{{Path: event.Main}}, event.Traced)
	})
}

func FuzzParseForm(f *testing.F) {
	f.Add("main: clone main/1, exit 0\nmain/1: exec, killed SIGKILL")
	f.Fuzz(func(t *testing.T, text string) {
		form, err := event.ParseForm(text)
		if err != nil {
			return
		}
		again, err := event.ParseForm(form.String())
		if err != nil {
			t.Fatalf("%q was read, and written as %q: %v", text, form, err)
		}
		if diff := cmp.Diff(form, again); diff != "" {
			t.Fatalf("(-first +again):\n%s", diff)
		}
	})
}

func TestMostIsWhatTheLinesAllowTogether(t *testing.T) {
	x, err := expand(t, `
		main: clone main/1..4, exec, exit 0
		main/1..2: at most 3 exec
		main/3: exec, exec
		*: at most 4 exec, at most 0 vfork *`, nil, [2]int{6, 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind  event.Kind
		tasks []event.Path
		want  int
		ok    bool
	}{
		{event.Exec, []event.Path{"main"}, 1, true},
		{event.Exec, []event.Path{"main", "main/3"}, 3, true},
		{event.Exec, []event.Path{"main/1"}, 3, true},
		{event.Exec, []event.Path{"main/1", "main/2"}, 3, true},
		{event.Exec, []event.Path{"main", "main/1"}, 4, true},
		{event.Exec, []event.Path{"main/4"}, 4, true},
		{event.VFork, []event.Path{"main"}, 0, true},
		{event.Clone, []event.Path{"main"}, 4, true},
		{event.Clone, []event.Path{"main/1"}, 0, false},
	} {
		if got, ok := x.Most(c.kind, c.tasks...); got != c.want || ok != c.ok {
			t.Errorf("%s of %v: got %d, %t, want %d, %t", c.kind, c.tasks, got, ok, c.want, c.ok)
		}
	}
}
