package event_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/event"
)

func family(t *testing.T, text string) (*event.Family, error) {
	t.Helper()
	trace, err := event.ParseTrace(text)
	if err != nil {
		t.Fatal(err)
	}
	return event.NewFamily(trace)
}

func TestFamiliesHaveCanonicalForms(t *testing.T) {
	for _, c := range []struct{ name, trace, want string }{
		{"threads interleave", `
			10: ready
			10: clone 11
			10: clone 12
			10/12: exit 0
			10/11: exit 0
			10: exit 0
			10: end 0`, `
			main: clone main/1, clone main/2, exit 0
			main/1: exit 0
			main/2: exit 0`},
		{"a tid has two lives", `
			10: ready
			10: clone 11
			10/11: exit 1
			10: clone 11
			10/11: exit 2`, `
			main: clone main/1, clone main/2
			main/1: exit 1
			main/2: exit 2`},
		{"the leader's status differs from its process's", `
			10: ready
			10: clone 11
			10: exit 7
			10/11: exit 9
			10: end 9`, `
			main: clone main/1, exit 7, end 9
			main/1: exit 9`},
		{"an exec off main keeps the path", `
			10: ready
			10: clone 11
			10: clone 12
			10/12: exit 0
			10: exit 0
			10: exec from 11
			10: clone 13
			10: exit 3
			10: end 3`, `
			main: clone main/1, clone main/2, exit 0
			main/1: exec, clone main/1/1, exit 3
			main/1/1:
			main/2: exit 0`},
		{"processes and threads are numbered in one count", `
			10: ready
			10: clone 11
			10: fork 20
			20: clone 21
			20/21: exit 0
			20: exit 1
			20: end 1
			10: vfork 30
			30: exec
			10: vforkdone`, `
			main: clone main/1, fork main/2, vfork main/3, vforkdone
			main/1:
			main/2: clone main/2/1, exit 1
			main/2/1: exit 0
			main/3: exec`},
		{"tasks found at an attach", `
			10: attach
			10/11: attach
			10/12: attach
			10: ready
			10/12: clone 13
			10/13: signal SIGUSR1
			10/13: killed SIGKILL`, `
			main:
			@1:
			@2: clone @2/1
			@2/1: signal SIGUSR1, killed SIGKILL`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := family(t, c.trace)
			if err != nil {
				t.Fatal(err)
			}
			want, err := event.ParseForm(c.want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Lines(), f.Form().Lines()); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

func TestImpossibleEventsAreRefused(t *testing.T) {
	for _, c := range []struct{ name, trace, want string }{
		{
			"a task that was not born", "10: ready\n10/11: exit 0",
			`"10/11: exit 0": no living task has the tid 11`,
		},
		{
			"two births of one tid", "10: ready\n10: clone 11\n10: clone 11",
			`"10: clone 11": the task main/1 has the tid 11 and lives`,
		},
		{
			"a creator that has ended", "10: ready\n10: exit 0\n10: clone 11",
			`"10: clone 11": the task main has ended`,
		},
		{
			"two deaths", "10: ready\n10: clone 11\n10/11: exit 0\n10/11: exit 0",
			`no living task has the tid 11`,
		},
		{
			"a signal after the end", "10: ready\n10: exit 0\n10: end 0\n10: signal SIGHUP",
			"no living task has the tid 10",
		},
		{
			"a process's end of a thread", "10: ready\n10: clone 11\n10/11: end 0",
			"main/1 does not lead its process",
		},
		{
			"an exec by a task that was not born", "10: ready\n10: exec from 11",
			"no living task has the tid 11",
		},
		{
			"an exec by a task that has ended", "10: ready\n10: clone 11\n10: exit 0\n10: exec",
			"the task main has ended",
		},
		{"found twice", "10: attach\n10: attach", "the task main has this tid and lives"},
		{"no tid", "10: ready\n10: clone -1", "a tid is positive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := family(t, c.trace)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestFormsAreReadAsTheyAreWritten(t *testing.T) {
	const text = "main: clone main/1, fork main/2, vfork main/3, vforkdone, exit 0, end SIGKILL\n" +
		"main/1: exec, signal SIGUSR1, killed SIGSEGV\nmain/2:\n@1: exit ?"
	form, err := event.ParseForm(text)
	if err != nil {
		t.Fatal(err)
	}
	if form.String() != text {
		t.Errorf("got:\n%s\nwant:\n%s", form, text)
	}
}

func TestAForgetfulFamilyGivesTheSameNames(t *testing.T) {
	trace, err := event.ParseTrace("10: ready\n10: clone 11\n10/11: fork 12\n10/11: exit 0\n" +
		"12: clone 11\n12/11: exit 3\n12: exit 0\n12: end 0\n10: clone 12\n10: exec from 12")
	if err != nil {
		t.Fatal(err)
	}
	keeps, forgets := event.Family{}, event.Family{Forgetful: true}
	for _, e := range trace {
		want, err := keeps.Add(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := forgets.Add(e)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", e, err, diff)
		}
	}
	if n := len(forgets.Lives()); n != 0 {
		t.Errorf("it keeps %d lives, want 0", n)
	}
	if _, err := forgets.Add(trace[6]); err == nil {
		t.Error("an exit under the id that a task had before its exec was accepted")
	}
}
