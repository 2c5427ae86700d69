package gdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/mi"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"
)

// heard gives gdb's lines to words, and returns the events that those tell.
func heard(t *testing.T, w *words, lines ...string) (said []string, err error) {
	t.Helper()
	w.add = func(e event.Event) { said = append(said, e.String()) }
	for _, line := range lines {
		r, err := mi.Parse([]byte(line))
		assert.NilError(t, err)
		if err := w.hear(r); err != nil {
			return said, err
		}
	}
	return said, nil
}

// A process 7 with a thread 8, as gdb tells of them.
var begun = []string{
	`=thread-group-added,id="i1"`,
	`=thread-group-started,id="i1",pid="7"`,
	`=thread-created,id="1",group-id="i1"`,
	`*stopped,reason="signal-received",signal-name="0",thread-id="1",stopped-threads="all"`,
	`*running,thread-id="all"`,
	`=thread-created,id="2",group-id="i1"`,
	`~"[New Thread 0x7ffff7bd06c0 (LWP 8)]\n"`,
}

func TestWhatGdbTellsOfThreads(t *testing.T) {
	for name, c := range map[string]struct {
		attached bool
		lines    []string
		want     string
	}{
		"a birth": {lines: begun, want: "7/0: clone 8"},
		"without libthread_db": {
			lines: append(begun[:6:6], `~"[New LWP 8]\n"`), want: "7/0: clone 8",
		},
		"a line in pieces": {
			lines: append(begun[:6:6], `~"[New Thr"`, `~"ead 0x7 (LWP 8)]"`, `~"\n"`),
			want:  "7/0: clone 8",
		},
		"a line that breaks off before another": {
			lines: append(begun[:6:6], `~"Reading symbols"`, `~"[New LWP 8]\n"`),
			want:  "7/0: clone 8",
		},
		"two lines in one": {
			lines: append(begun[:6:6], `~"[New LWP 8]\nand more\n"`), want: "7/0: clone 8",
		},
		"a line too long to be one": {
			lines: append(begun, `~"`+strings.Repeat("x", 5000)+`"`, `~"[New LWP 9]\n"`),
			want:  "7/0: clone 8|0: clone 9",
		},
		"threads at an attach": {
			attached: true,
			lines:    append([]string{begun[1], begun[2], begun[5], begun[6]}, begun[3]),
			want:     "7: attach|7/8: attach",
		},
		"a birth after an attach": {
			attached: true, lines: begun, want: "7: attach|7/0: clone 8",
		},
		"a death": {
			lines: append(
				begun, `~"[Thread 0x7ffff7bd06c0 (LWP 8) exited]\n"`,
				`=thread-exited,id="2",group-id="i1"`),
			want: "7/0: clone 8|7/8: exit ?",
		},
		"a death with its code": {
			lines: append(
				begun, `~"[Thread 0x7ffff7bd06c0 (LWP 8) exited with code 3]\n"`,
				`=thread-exited,id="2",group-id="i1"`),
			want: "7/0: clone 8|7/8: exit 3",
		},
		"a number that is dropped": { // gdb has let go of it, or an exec has removed it
			lines: append(begun, `=thread-exited,id="2",group-id="i1"`), want: "7/0: clone 8",
		},
		"the end of a process": { // 020 is octal
			lines: append(
				begun, `=thread-exited,id="2",group-id="i1"`, `=thread-exited,id="1",group-id="i1"`,
				`=thread-group-exited,id="i1",exit-code="020"`),
			want: "7/0: clone 8|7/8: exit ?|7: exit ?|7: end 16",
		},
		"a process that is killed": {
			lines: append(
				begun, `~"\nProgram terminated with signal "`, `~"SIGKILL, Killed.\n"`,
				`=thread-exited,id="1",group-id="i1"`, `=thread-group-exited,id="i1"`),
			want: "7/0: clone 8|7: exit ?|7: end SIGKILL",
		},
		"a process that is killed by what is no signal here": {
			lines: append(
				begun, `~"Program terminated with signal EXC_EMULATION, Killed.\n"`,
				`=thread-group-exited,id="i1"`), want: "7/0: clone 8",
		},
		"a process that is let go": {
			lines: append(
				begun, `=thread-exited,id="1",group-id="i1"`, `=thread-group-exited,id="i1"`),
			want: "7/0: clone 8",
		},
		"a fork": {
			lines: append(
				begun, `=thread-group-started,id="i2",pid="9"`,
				`=thread-created,id="3",group-id="i2"`, `~"[New inferior 2 (process 9)]\n"`),
			want: "7/0: clone 8|0: fork 9",
		},
		"an exec": {
			lines: append(
				begun, `=thread-exited,id="2",group-id="i1"`,
				`~"process 7 is executing new program: /p\n"`,
				`=thread-exited,id="1",group-id="i1"`,
				`=thread-group-exited,id="i1",exit-code="0"`),
			want: "7/0: clone 8|7: exec|7: exit ?|7: end 0",
		},
		"gdb 18's names for threads": {
			lines: append(
				begun[:len(begun):len(begun)], `=thread-created,id="3",group-id="i1"`,
				`~"[New Thread 0x9 (LWP 9) (id 3)]\n"`,
				`~"[Thread 0x9 (LWP 9) (id 3) exited with code 2]\n"`,
				`=thread-exited,id="3",group-id="i1"`),
			want: "7/0: clone 8|7/0: clone 9|7/9: exit 2",
		},
		"a leader that is told of again": { // gdb's own failure: it is passed on as it is
			lines: append(
				begun, `~"[Thread 0x7 (LWP 7) exited]\n"`, `=thread-exited,id="1",group-id="i1"`,
				`=thread-created,id="3",group-id="i1"`, `~"[New process 7]\n"`),
			want: "7/0: clone 8|7: exit ?|7/0: clone 7",
		},
		"noise": {
			lines: append(
				begun, `&"warning: x\n"`, `=library-loaded,id="[New LWP 9]"`, `~"[New one]\n"`,
				`~"a [New LWP 9]\n"`, `@"[New LWP 9]\n"`, `it prints`, `(gdb) `,
				`=thread-selected,id="1"`),
			want: "7/0: clone 8",
		},
	} {
		w := newWords(c.attached, nil)
		said, err := heard(t, &w, c.lines...)
		assert.NilError(t, err, name)
		if diff := cmp.Diff(c.want, strings.Join(said, "|")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestWhatGdbCannotMeanIsRefused(t *testing.T) {
	for line, want := range map[string]string{
		`=thread-created,id="x",group-id="i1"`: "thread-created: id: " +
			`tidcheck's adapter does not know "x"`,
		`=thread-created,id="0",group-id="i1"`: "thread-created: id: 0 is no " +
			"number for one",
		`=thread-created,id="3",group-id="i2"`: `thread-created: there is no group ` +
			`"i2"`,
		`=thread-exited,id="3",group-id="i1"`: "thread-exited: there is no thread 3",
		`=thread-exited,id="-2",group-id="i1"`: "thread-exited: id: -2 is no " +
			"number for one",
		`=thread-group-started,id="i2",pid="-9"`: "thread-group-started: pid: -9 is " +
			"no number for one",
		`=thread-group-started,id="i2",pid="99999999999"`: `thread-group-started: pid: ` +
			`strconv.ParseInt: parsing "99999999999": value out of range`,
		`=thread-group-started,id="i2"`: `thread-group-started: pid: ` +
			`tidcheck's adapter does not know ""`,
		`=thread-group-exited,id="i2",exit-code="0"`: `thread-group-exited: there is no ` +
			`group "i2" that has begun`,
		`=thread-group-exited,id="i1",exit-code="08"`: `thread-group-exited: ` +
			`strconv.ParseUint: parsing "08": invalid syntax`,
		`=thread-group-exited,id="i1",exit-code="0400"`: `thread-group-exited: ` +
			`strconv.ParseUint: parsing "0400": value out of range`,
		`*stopped,thread-id="all"`: `stopped: thread-id: ` +
			`tidcheck's adapter does not know "all"`,
		`*stopped,stopped-threads=["x"]`: `a thread's number: tidcheck's adapter does not know "x"`,
		`*running,thread-id="x"`:         `a thread's number: tidcheck's adapter does not know "x"`,
		`~"[New Thread 0x7 (LWP -8)]\n"`: `tidcheck's adapter does not know "Thread 0x7 (LWP -8)"`,
		`~"[Thread 0x7 exited]\n"`:       `tidcheck's adapter does not know "Thread 0x7"`,
		`~"[New LWP 99999999999]\n"`: `strconv.ParseInt: parsing ` +
			`"99999999999": value out of range`,
		`~"program is executing new program: /p\n"`: "tidcheck's adapter does not " +
			`know "program"`,
		`~"[LWP 8 exited with code 99999999999999999]\n"`:   "",
		`*stopped,reason="exited-signalled",signal-name=""`: "",
	} {
		w := newWords(false, nil)
		_, err := heard(t, &w, append(begun[:len(begun):len(begun)], line)...)
		got := ""
		if err != nil {
			got = err.Error()
		}
		assert.Equal(t, got, want, line)
	}
}

func TestWhichThreadsStandAndWhichRun(t *testing.T) {
	w := newWords(false, nil)
	for _, c := range []struct {
		line        string
		stands      bool
		one, two    bool
		reason, sig string
	}{
		{
			`*stopped,reason="signal-received",signal-name="SIGINT",thread-id="2",stopped-threa` +
				`ds="all"`,
			true, true, true, "signal-received", "SIGINT",
		},
		{`*running,thread-id="2"`, false, true, false, "signal-received", "SIGINT"},
		{`*running,thread-id="all"`, false, false, false, "signal-received", "SIGINT"},
		{
			`*stopped,reason="signal-received",signal-name="0",thread-id="2",stopped-threads=["2"]`,
			false, false, true, "signal-received", "0",
		},
		{`*stopped,stopped-threads=["1","9"]`, false, true, true, "", ""},
		{`*running,thread-id="1"`, false, false, true, "", ""},
		{`*stopped,reason="exited-normally"`, true, true, true, "exited-normally", ""},
	} {
		lines := []string{c.line}
		if w.stops == 0 {
			lines = append(begun[:len(begun):len(begun)], c.line)
		}
		_, err := heard(t, &w, lines...)
		assert.NilError(t, err)
		got := fmt.Sprint(
			w.stands, w.threads[1].stands, w.threads[2].stands, " ", w.last.reason, " ",
			w.last.signal)
		assert.Equal(t, got, fmt.Sprint(c.stands, c.one, c.two, " ", c.reason, " ", c.sig), c.line)
		assert.Equal(t, w.still(), c.one && c.two)
	}
}

func TestALineWithoutEndIsNotKept(t *testing.T) {
	w := newWords(false, nil)
	for range 100 {
		_, err := heard(t, &w, `~"`+strings.Repeat("x", 1000)+`"`)
		assert.NilError(t, err)
		assert.Assert(t, len(w.partial) <= maxPartial)
	}
}

// A thread that stopped without a request may have gone on with all others before its turn comes.
// This session has no gdb that could be asked.
func TestOnlyAThreadThatStandsIsToGoOn(t *testing.T) {
	s := newSession(true, false)
	s.threads[1] = &thread{number: 1}
	for _, number := range []int{1, 2} {
		assert.NilError(t, s.goOn(t.Context(), number, ""))
	}
}

// What stands goes on by way of a thread that is there when gdb is told.
func TestWhatIsToldToGoOnIsThereStill(t *testing.T) {
	s := newSession(false, false)
	s.stands = true
	s.threads[1], s.threads[2], s.threads[3] = &thread{number: 1}, &thread{number: 2, stands: true},
		&thread{number: 3}
	tried := make(map[int]bool)
	assert.Equal(t, s.next(2, tried), 2, "the one that stopped")
	assert.Equal(t, s.next(0, tried), 1)
	tried[1], tried[2] = true, true
	assert.Equal(t, s.next(2, tried), 3)
	delete(s.threads, 3)
	assert.Equal(t, s.next(2, tried), 0)
	s.threads[4] = &thread{number: 4}
	assert.Equal(t, s.next(2, tried), 4, "one that came since")
	s.stands = false
	assert.Equal(t, s.next(2, tried), 0, "it goes on already")
}

func TestTaskOf(t *testing.T) {
	for name, want := range map[string]event.TID{
		"Thread 0x7ffff7bd06c0 (LWP 8)": 8, "LWP 9": 9, "process 10": 10,
		"Thread 0x7ffff7bd06c0 (LWP 8) (id 2)": 8, "LWP 9 (id 1.2)": 9,
	} {
		got, err := taskOf(name)
		assert.NilError(t, err)
		assert.Equal(t, got, want)
	}
	for _, name := range []string{
		"", "Thread 1", "LWP", "LWP -1", "Thread 7.8", "LWP 8 (x)",
		"Thread 0x7 (LWP 8",
	} {
		_, err := taskOf(name)
		assert.Assert(t, errors.As(err, new(adapter.Unknown)), "%q: %v", name, err)
	}
}

// What each version says of exec_from_thread n=2, as it came; -update writes the events down. 10.1
// does not tell the program's end, and from 16.3 on the thread that executes is told as ended.
func TestWhatVersionsSay(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	assert.NilError(t, err)
	assert.Check(t, len(files) >= 4)
	for _, file := range files {
		text, err := os.ReadFile(file)
		assert.NilError(t, err)
		w := newWords(false, nil)
		said, err := heard(t, &w, strings.Split(strings.TrimSpace(string(text)), "\n")...)
		assert.NilError(t, err, file)
		name := strings.TrimPrefix(file, "testdata/") + ".events"
		golden.Assert(t, strings.Join(said, "\n")+"\n", name)
	}
}
