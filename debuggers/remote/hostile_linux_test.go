package remote

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/rsp"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"github.com/tidcheck/tidcheck/judge"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "--fake=") {
		fakeMain()
		return
	}
	testproc.Main(m, nil)
}

// faked is a debugger whose server is the fake.
type faked struct {
	nonStop bool
	spoilt  string
}

func (f faked) Name() string                            { return f.spoilt }
func (f faked) Version(context.Context) (string, error) { return "1", nil }

func (f faked) Start(ctx context.Context, target harness.Target) (harness.Session, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	argv := append([]string{self, "--fake=" + f.spoilt, "launch"}, target.Argv...)
	if target.PID != 0 {
		argv = []string{self, "--fake=" + f.spoilt, "attach", strconv.Itoa(target.PID)}
	}
	conn := NewConn()
	tool, err := adapter.Start(target, harness.Spec{Argv: argv}, conn.Read)
	if err != nil {
		return nil, err
	}
	conn.Open(tool)
	can := judge.Abilities{judge.Stop, judge.Threads, judge.Detach}
	if f.nonStop {
		s := NewNonStop(conn, can)
		return s, s.Begin(ctx, target.PID != 0, "x+")
	}
	m := Manners{Linux: rsp.FromGDB, Interrupt: 2, List: (*Conn).XferThreads}
	s := NewAllStop(conn, m, can)
	return s, s.Begin(ctx, target.PID != 0)
}

// fakes runs a scenario under one fake for each way to spoil it, all at once. It gives each rule's
// verdict and detail, by the fake's name.
func fakes(t *testing.T, nonStop bool, scenario string,
	spoilt ...string,
) map[string]map[string]string {
	t.Helper()
	var all []harness.Debugger
	for _, s := range spoilt {
		all = append(all, faked{nonStop, s})
	}
	o := harness.Options{TimeScale: 0.6, Jobs: 12}
	return adaptertest.Verdicts(t, scenario, o, all...)
}

// The tests below prove nothing if the fake is accused when it is right.
func TestARightFakeIsNotAccused(t *testing.T) {
	for _, nonStop := range []bool{true, false} {
		for _, scenario := range []string{
			"fork/launch", "fork/stops", "exit_code/launch",
			"fork/detach_during",
		} {
			adaptertest.Right(t, scenario+" "+mode(nonStop), fakes(t, nonStop, scenario, "")[""])
		}
	}
}

func expect(t *testing.T, nonStop bool, scenario string, cases []adaptertest.Case) {
	t.Helper()
	adaptertest.Accused(
		t, scenario+" "+mode(nonStop), fakes(t, nonStop, scenario, adaptertest.Fakes(cases)...),
		cases)
}

func mode(nonStop bool) string {
	if nonStop {
		return "non-stop"
	}
	return "all-stop"
}

const (
	last = "it ended with 3: it was the fake's last hour"
	late = " did not come"
)

func TestAServerThatFailsIsAccusedInOneLine(t *testing.T) {
	const begun, goes, over = "the debugger failed: the debugger's start: ",
		"the debugger failed: the program's start: ",
		"the debugger failed: the debugger's word that the program is over: "
	both := []adaptertest.Case{
		{"start@hang", "bounded", "the debugger's start" + late},
		{"start@die", "session", begun + `request "QStartNoAckMode": ` + last},
		{"start@huge", "session bounded", "the debugger's start"}, // too much, or not in time
		{"start@raw hello", "session", "begins no packet"},
		{
			"start@raw -", "session",
			begun + `request "QStartNoAckMode": it did not get a packet whole`,
		},
		{
			"start@raw $OK#00", "session",
			begun + `request "QStartNoAckMode": packet "OK" has the checksum "9a", and says "00"`,
		},
		{"QStart@", "session", begun + `request "QStartNoAckMode": it does not know this request`},
		{"QStart@E.not now", "session", begun + `request "QStartNoAckMode": it answers "not now"`},
		{"QStart@maybe", "session", begun + `request "QStartNoAckMode": it answers "maybe"`},
		{"QStart@raw $OK#9", "bounded", "the debugger's start" + late},
		{"qSupported@hang", "bounded", "the debugger's start" + late},
		{"qSupported@die", "session", begun + `request "qSupported:`},
		{"?@hang", "bounded", "the debugger's start" + late},
		{
			"?@T05thread:p-5.-5;", "session",
			begun + `stop reply "T05thread:p-5.-5;": "p-5.-5" is no thread's id`,
		},
		{"?@\xff\xfe", "session", begun + `stop reply "\xff\xfe": it begins with`},
		{
			"?@Quo vadis", "",
			`the debugger's start: stop reply: tidcheck's adapter does not know "Quo vadis"`,
		},
		{"?@W00;process:P", "session", begun + "the program is "},
		{"ended@hang", "bounded", "the debugger's word that the program is over" + late},
		{"ended@die", "session", over + last},
	}
	expect(t, true, "fork/launch", append([]adaptertest.Case{
		{"QNonStop@E01", "session", begun + `request "QNonStop:1": it answers E01`},
		{"vStopped@hang", "bounded", "the debugger's start" + late},
		{
			"QThreadEvents@", "session",
			begun + `request "QThreadEvents:1": it does not know this request`,
		},
		{"vCont@hang", "bounded", "the debugger's resume" + late},
		{"vCont@die", "session", `the debugger's resume: request "vCont;c": ` + last},
		{"vCont@E01", "session", `the debugger's resume: request "vCont;c": it answers E01`},
		{
			"ended@Stop:T05thread:-7;", "session",
			over + `stop reply "T05thread:-7;": "-7" is no thread's id`,
		},
		{"ended@Stop:W00;process:1", "sound", "task 1 ended; the kernel created no task 1"},
	}, both...))
	expect(t, false, "fork/launch", append([]adaptertest.Case{
		{"vCont@hang", "bounded", "the program's start" + late},
		{"vCont@die", "session", goes + "await checkpoint 0 of the program: " + last},
		{"vCont@E01", "session", goes + "await checkpoint 0 of the program: it answers E01"},
		{
			"ended@T05thread:-7;", "session",
			over + `stop reply "T05thread:-7;": "-7" is no thread's id`,
		},
		{"ended@W00;process:1", "sound", "task 1 ended; the kernel created no task 1"},
	}, both...))
}

// Either it says too much, or what is due does not come in time.
func TestAServerThatFloodsIsAccused(t *testing.T) {
	for _, nonStop := range []bool{true, false} {
		expect(t, nonStop, "fork/launch", []adaptertest.Case{
			{"start@flood", "session bounded", "the debugger's start"},
			{"start@notices", "session bounded", "the debugger's start"},
			{"ended@flood", "session bounded", "the debugger"},
		})
	}
}

func TestAServerThatFailsAtAStopIsAccused(t *testing.T) {
	both := []adaptertest.Case{
		{"interrupt@hang", "bounded", "the debugger's stop" + late},
		// at the stop, or after it if the program was seen to die
		{"interrupt@die", "session", last},
	}
	expect(t, true, "fork/stops", append([]adaptertest.Case{
		{
			"vCont;t@E01", "session",
			`the debugger failed: the debugger's stop: request "vCont;t": it answers E01`,
		},
		{"qXfer@hang", "bounded", "the debugger's stop" + late},
		{
			"qXfer@m", "session",
			"the debugger failed: the debugger's stop: its list of threads does not go on, and " +
				"does not end",
		},
		{
			"qXfer@l<threads/>", "session",
			"the debugger failed: the debugger's stop: it lists no threads",
		},
	}, both...))
	expect(t, false, "fork/stops", append([]adaptertest.Case{
		{"interrupt@N", "bounded", "the debugger's stop" + late},
	}, both...))
	for _, nonStop := range []bool{true, false} {
		expect(t, nonStop, "fork/detach_during", []adaptertest.Case{
			{"D@hang", "bounded", "the debugger's detach" + late},
			{"D@die", "session", `the debugger failed: the debugger's detach: request "D;`},
			{"D@E01", "session", "it answers E01"},
		})
	}
	// All-stop: the first list is asked for at the start.
	expect(t, false, "fork/attach_before", []adaptertest.Case{
		{
			"qXfer@l<threads>", "session",
			"the debugger failed: the debugger's start: its list of threads: XML syntax error",
		},
		{
			`qXfer@l<threads><thread id="p1.1"/></threads>`, "sound",
			"task 1 was attached to; the kernel created no task 1",
		},
		{
			`qXfer@l<threads><thread id="-7"/></threads>`, "session",
			`its list of threads: "-7" is no thread's id`,
		},
	})
}
