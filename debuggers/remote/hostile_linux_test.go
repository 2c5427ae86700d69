package remote

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/internal/rsp"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "--fake=") {
		fakeMain()
		return
	}
	adaptertest.Main(m)
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
	tool, err := harness.StartTool(target, harness.Spec{Argv: argv}, conn.Read)
	if err != nil {
		return nil, err
	}
	conn.Open(tool, tool.Over(), tool.Ended)
	can := harness.Abilities{harness.Stop, harness.Threads, harness.Detach}
	if f.nonStop {
		s := NewNonStop(conn, can)
		return fakedSession{s, tool}, s.Begin(ctx, target.PID != 0, "x+")
	}
	s := NewAllStop(conn, Manners{Linux: rsp.FromGDB, Interrupt: 2, Detaches: true, List: (*Conn).Threads}, can)
	return fakedSession{s, tool}, s.Begin(ctx, target.PID != 0)
}

type fakedSession struct {
	Session
	tool *harness.Tool
}

func (s fakedSession) End() error { return s.tool.End() }

// fakes runs a scenario under a fake for each way to spoil it, all at once, and gives each rule's verdict and detail by it.
func fakes(t *testing.T, nonStop bool, scenario string, spoilt ...string) map[string]map[string]string {
	t.Helper()
	var all []harness.Debugger
	for _, s := range spoilt {
		all = append(all, faked{nonStop, s})
	}
	o := harness.Options{TimeScale: 0.6, Jobs: 12}
	return adaptertest.Verdicts(t, scenario, o, all...)
}

// The tests below are worth something only if the fake is not accused when it is right.
func TestARightFakeIsNotAccused(t *testing.T) {
	for _, nonStop := range []bool{true, false} {
		for _, scenario := range []string{"fork/launch", "fork/stops", "exit_code/launch", "fork/detach_during"} {
			adaptertest.Right(t, scenario+" "+mode(nonStop), fakes(t, nonStop, scenario, "")[""])
		}
	}
}

func expect(t *testing.T, nonStop bool, scenario string, cases []adaptertest.Case) {
	t.Helper()
	adaptertest.Accused(t, scenario+" "+mode(nonStop), fakes(t, nonStop, scenario, adaptertest.Fakes(cases)...), cases)
}

func mode(nonStop bool) string {
	if nonStop {
		return "non-stop"
	}
	return "all-stop"
}

const (
	last = "it ended with 3: it was the fake's last hour"
	late = " did not come within 3s"
)

func TestAServerThatFailsIsAccusedInOneLine(t *testing.T) {
	const begun, goes, over = "the debugger failed: the debugger's start: ", "the debugger failed: the program's start: ", "the debugger failed: the debugger's word that the program is over: "
	both := []adaptertest.Case{
		{"start@hang", "bounded", "the debugger's start" + late},
		{"start@die", "complete", begun + `request "QStartNoAckMode": ` + last},
		{"start@huge", "complete", begun + `request "QStartNoAckMode": a packet is longer than 1048576 bytes`},
		{"start@raw hello", "complete", "begins no packet"},
		{"start@raw -", "complete", begun + `request "QStartNoAckMode": it did not get a packet whole`},
		{"start@raw $OK#00", "complete", begun + `request "QStartNoAckMode": packet "OK" has the checksum "9a", and says "00"`},
		{"QStart@", "complete", begun + `request "QStartNoAckMode": it does not know this request`},
		{"QStart@E.not now", "complete", begun + `request "QStartNoAckMode": it answers "not now"`},
		{"QStart@maybe", "complete", begun + `request "QStartNoAckMode": it answers "maybe"`},
		{"QStart@raw $OK#9", "bounded", "the debugger's start" + late},
		{"qSupported@hang", "bounded", "the debugger's start" + late},
		{"qSupported@die", "complete", begun + `request "qSupported:`},
		{"?@hang", "bounded", "the debugger's start" + late},
		{"?@T05thread:p-5.-5;", "complete", begun + `stop reply "T05thread:p-5.-5;": "p-5.-5" is no thread's id`},
		{"?@\xff\xfe", "complete", begun + `stop reply "\xff\xfe": it begins with`},
		{"?@W00;process:P", "complete", begun + "the program is "},
		{"ended@hang", "bounded", "the debugger's word that the program is over" + late},
		{"ended@die", "complete", over + last},
	}
	expect(t, true, "fork/launch", append([]adaptertest.Case{
		{"QNonStop@E01", "complete", begun + `request "QNonStop:1": it answers E01`},
		{"vStopped@hang", "bounded", "the debugger's start" + late},
		{"QThreadEvents@", "complete", begun + `request "QThreadEvents:1": it does not know this request`},
		{"vCont@hang", "bounded", "the debugger's resume" + late},
		{"vCont@die", "complete", `the debugger's resume: request "vCont;c": ` + last},
		{"vCont@E01", "complete", `the debugger's resume: request "vCont;c": it answers E01`},
		{"ended@Stop:T05thread:-7;", "complete", over + `stop reply "T05thread:-7;": "-7" is no thread's id`},
		{"ended@Stop:W00;process:1", "sound", `"1: exit ?": the program had no task 1`},
	}, both...))
	expect(t, false, "fork/launch", append([]adaptertest.Case{
		{"vCont@hang", "bounded", "the program's start" + late},
		{"vCont@die", "complete", goes + "await checkpoint 0 of the program: " + last},
		{"vCont@E01", "complete", goes + "await checkpoint 0 of the program: it answers E01"},
		{"ended@T05thread:-7;", "complete", over + `stop reply "T05thread:-7;": "-7" is no thread's id`},
		{"ended@W00;process:1", "sound", `"1: exit ?": the program had no task 1`},
	}, both...))
}

// Either it is too much, or what is due does not come in time.
func TestAServerThatFloodsIsAccused(t *testing.T) {
	for _, nonStop := range []bool{true, false} {
		expect(t, nonStop, "fork/launch", []adaptertest.Case{
			{"start@flood", "complete bounded", "the debugger's start"},
			{"start@notices", "complete bounded", "the debugger's start"},
			{"ended@flood", "complete bounded", "the debugger's word that the program is over"},
		})
	}
}

func TestAServerThatFailsAtAStopIsAccused(t *testing.T) {
	both := []adaptertest.Case{
		{"interrupt@hang", "bounded", "the debugger's stop" + late},
		{"interrupt@die", "complete", last}, // at the stop, or after it, if the program was seen to die with it
	}
	expect(t, true, "fork/stops", append([]adaptertest.Case{
		{"vCont;t@E01", "complete", `the debugger failed: the debugger's stop: request "vCont;t": it answers E01`},
		{"qXfer@hang", "bounded", "the debugger's stop" + late},
		{"qXfer@m", "complete", "the debugger failed: the debugger's stop: its list of threads does not go on, and does not end"},
		{"qXfer@l<threads/>", "complete", "the debugger failed: the debugger's stop: it lists no threads"},
	}, both...))
	expect(t, false, "fork/stops", append([]adaptertest.Case{
		{"interrupt@N", "bounded", "the debugger's stop" + late},
	}, both...))
	for _, nonStop := range []bool{true, false} {
		expect(t, nonStop, "fork/detach_during", []adaptertest.Case{
			{"D@hang", "bounded", "the debugger's detach" + late},
			{"D@die", "complete", `the debugger failed: the debugger's detach: request "D;`},
			{"D@E01", "complete", "it answers E01"},
		})
	}
	// All-stop: the first list is asked for at the start.
	expect(t, false, "fork/attach_before", []adaptertest.Case{
		{"qXfer@l<threads>", "complete", "the debugger failed: the debugger's start: its list of threads: XML syntax error"},
		{`qXfer@l<threads><thread id="p1.1"/></threads>`, "sound", `"1: attach": the program had no task 1`},
		{`qXfer@l<threads><thread id="-7"/></threads>`, "complete", `its list of threads: "-7" is no thread's id`},
	})
}
