package event_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
)

func expand(t *testing.T, lines string, params event.Params, kernel [2]int) (event.Expected, error) {
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

func TestWantsStandForForms(t *testing.T) {
	for _, c := range []struct{ name, wants, form string }{
		{
			"a range", "main: clone main/1..n, exit 0\nmain/1..n: exit 0",
			"main: clone main/1, clone main/2, exit 0\nmain/1: exit 0\nmain/2: exit 0",
		},
		{
			"a name bound above", "main: clone main/1..n\nmain/1..n: clone main/i/1..m, exit 0\nmain/i/1..m: exit 0",
			"main: clone main/1, clone main/2\nmain/1: clone main/1/1, exit 0\nmain/1/1: exit 0\nmain/2: clone main/2/1, exit 0\nmain/2/1: exit 0",
		},
		{
			"generations", "main/1..n^0..d-1: clone ./1..n, exit 0\nmain/1..n^d: exit 0",
			"main: clone main/1, clone main/2, exit 0\n" +
				"main/1: clone main/1/1, clone main/1/2, exit 0\nmain/1/1: exit 0\nmain/1/2: exit 0\n" +
				"main/2: clone main/2/1, clone main/2/2, exit 0\nmain/2/1: exit 0\nmain/2/2: exit 0",
		},
		{"kernels", "[linux<6.0] main: exit 7\n[linux>=6.0] main: exit 9", "main: exit 9"},
		{"kinds left open", "main: exit 0", "main: clone main/1, signal SIGHUP, exit 0\nmain/1:"},
		{"bounds", "*: at least n clone *, at most n exit 0, at least 3 exit", "main: clone main/1, clone main/2, exit 0\nmain/1: exit 0\nmain/2: exit 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, err := expand(t, c.wants, event.Params{"n": 2, "m": 1, "d": 2}, [2]int{6, 1})
			if err != nil {
				t.Fatal(err)
			}
			form, err := event.ParseForm(c.form)
			if err != nil {
				t.Fatal(err)
			}
			want, got := x.Compare(form, event.Traced)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormsThatAreNotAsWanted(t *testing.T) {
	for _, c := range []struct{ name, want, form string }{
		{"a birth too many", "main: clone main/1..n", "main: clone main/1, clone main/2, clone main/3"},
		{"a task too few", "main/1..n: exit 0", "main/1: exit 0"},
		{"another status", "main: exit 0", "main: exit 1"},
		{"another signal", "main: killed SIGKILL", "main: killed SIGSEGV"},
		{"another order", "main: clone main/1, signal SIGHUP", "main: signal SIGHUP, clone main/1"},
		{"a process for a thread", "main: clone main/1..n", "main: fork main/1, clone main/2"},
		{"a signal unasked for", "main: signal SIGUSR1, exit 0", "main: signal SIGUSR1, signal SIGUSR1, exit 0"},
		{"too few in all", "*: at least n clone *", "main: clone main/1"},
		{"too many of one", "main: at most 1 clone *", "main: clone main/1, clone main/2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, err := expand(t, c.want, event.Params{"n": 2}, [2]int{6, 1})
			if err != nil {
				t.Fatal(err)
			}
			form, err := event.ParseForm(c.form)
			if err != nil {
				t.Fatal(err)
			}
			if want, got := x.Compare(form, event.Traced); cmp.Equal(want, got) {
				t.Errorf("%q accepts:\n%s", c.want, form)
			}
		})
	}
}

func TestAViewLeavesOutWhatItCannotSee(t *testing.T) {
	x, err := expand(t, "main: clone main/1, vfork main/2, vforkdone, clone main/3 untraced, signal SIGHUP, exit 7, end 9",
		nil, [2]int{6, 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		view event.View
		form string
	}{
		{"declared", event.Declared, "main: clone main/1, vfork main/2, vforkdone, clone main/3, signal SIGHUP, exit 7, end 9"},
		{"traced", event.Traced, "main: clone main/1, vfork main/2, vforkdone, signal SIGHUP, exit 7, end 9"},
		{"witnessed", event.View{Deaths: true, Untraced: true}, "main: clone main/1, fork main/2, clone main/3, exit ?"},
		{"announced", event.View{Untraced: true}, "main: clone main/1, fork main/2, clone main/3"},
	} {
		form, err := event.ParseForm(c.form)
		if err != nil {
			t.Fatal(err)
		}
		want, got := x.Compare(form, c.view)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// What an untraced task does is seen by no tracer either, nor what its children do.
func TestLinesOfUntracedTasksAreLeftOutOfATracersView(t *testing.T) {
	x, err := expand(t, "main: clone main/1 untraced, clone main/2, exit 0\nmain/1: clone main/1/1, exit 0\nmain/1/1: exit 0\nmain/2: exit 0",
		nil, [2]int{6, 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		view event.View
		want []string
	}{
		{event.Traced, []string{"main: clone main/2, exit 0", "main/2: exit 0"}},
		{event.Declared, []string{"main: clone main/1, clone main/2, exit 0", "main/1: clone main/1/1, exit 0", "main/1/1: exit 0", "main/2: exit 0"}},
	} {
		want, _ := x.Compare(nil, c.view)
		if diff := cmp.Diff(c.want, want); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	for path, want := range map[event.Path]bool{"main": false, "main/1": true, "main/1/1": true, "main/2": false, "main/10": false} {
		if got := x.Untraced(path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

func TestMalformedWants(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"main", "no colon"},
		{"main: leap", "no event of a canonical form"},
		{"main: clone", "takes the new task's path"},
		{"main: exit", "takes an argument"},
		{"main: exit 300", "300 is no exit code"},
		{"main: killed 3", "exits with a code and is killed by a signal"},
		{"main:", "an event is missing"},
		{"other: exit 0", "begins with neither"},
		{"main/-: exit 0", "neither a number nor a name"},
		{"*: exit 0", "only at least and at most"},
		{"main: clone *", "* goes with at least"},
		{"*/1: at least 1 exit", "* stands alone"},
		{"./1: exit 0", "begins with main, @N or *"},
		{"[linux6] main: exit 0", "is no limit"},
		{"[linux<6] main: exit 0", "is no kernel version"},
		{"[linux<6.0 main: exit 0", "no ]"},
	} {
		if _, err := event.ParseWant(c.line); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got error %v, want one with %q", c.line, err, c.want)
		}
	}
	for _, c := range []struct{ wants, want string }{
		{"main: clone main/1..k", `"k" has no value (the parameters are: n)`},
		{"main/1..n: exit 0\nmain/2: exit 0", "an earlier line states main/2"},
		{"main/0..n: exit 0", "births are counted from 1"},
		{"main/1..n*9999999: exit 0", "too wide"},
		{"main/1..n^40: exit 0", "stands for more than"},
		{"main/1^999: exit 0", "generations"},
	} {
		if _, err := expand(t, c.wants, event.Params{"n": 2}, [2]int{6, 1}); err == nil || !strings.Contains(err.Error(), c.want) {
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
