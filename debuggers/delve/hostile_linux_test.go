package delve

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

// faked is the fake without delve's host language and time scale.
type faked struct {
	harness.Debugger
	spoilt string
}

func (f faked) Name() string { return f.spoilt }

// fakes runs a scenario under one fake for each way to spoil it, all at once. It gives each rule's
// verdict and detail, by the fake's name.
func fakes(t *testing.T, scenario string, spoilt ...string) map[string]map[string]string {
	t.Helper()
	self, err := os.Executable()
	assert.NilError(t, err)
	var all []harness.Debugger
	for _, s := range spoilt {
		all = append(
			all, faked{Debugger{Path: self, Breakpoint: true, Args: []string{"--fake=" + s}}, s})
	}
	o := harness.Options{TimeScale: 0.4, Jobs: len(all)}
	return adaptertest.Verdicts(t, scenario, o, all...)
}

// The tests below prove nothing if the fake is accused when it is right.
func TestARightFakeIsNotAccused(t *testing.T) {
	// The program stops by itself, and is to continue.
	const byItself = `continue:{"id":ID,"result":{"State":{"Pid":7}}}`
	// The program has no function of that name.
	const nowhere = `CreateBreakpoint:{"id":ID,"error":"could not find function C.x"}`
	for scenario, spoilt := range map[string]string{
		"fork/launch": byItself, "fork/stops": "", "exit_code/launch": nowhere,
		"fork/detach_during": "",
	} {
		adaptertest.Right(t, scenario, fakes(t, scenario, spoilt)[spoilt])
	}
}

// A reply may name a breakpoint that stands nowhere.
func TestABreakpointThatWasNotSetIsUnsupported(t *testing.T) {
	const none = `CreateBreakpoint:{"id":ID,"result":{"Breakpoint":{"id":1}}}`
	for rule, verdict := range fakes(t, "fork/launch", none)[none] {
		assert.Check(t, strings.HasPrefix(verdict, "UNSUPPORTED: ") && strings.HasSuffix(verdict,
			"the debugger set no breakpoint at tidcheck_place"), "%s: %s", rule, verdict)
	}
}

// It may say that there is no such function in a program that has it.
func TestAFunctionThatIsThereMustBeFound(t *testing.T) {
	const nowhere = `CreateBreakpoint:{"id":ID,"error":"could not find function C.x"}`
	for rule, verdict := range fakes(t, "attach_births/attach_before", nowhere)[nowhere] {
		assert.Check(t, strings.HasPrefix(verdict, "UNSUPPORTED: ") && strings.HasSuffix(verdict,
			"the debugger set no breakpoint at tidcheck_place"), "%s: %s", rule, verdict)
	}
}

// A debugger may refuse a program of which another tracer has a thread: it debugs nothing then. It
// may refuse no other.
func TestADelveThatRefusesAProgramDebugsNothing(t *testing.T) {
	for scenario, want := range map[string]string{
		"attach_one_taken/attach_before": "PASS: it refused", "attach_idle/attach_before": "FAIL: ",
	} {
		verdict := fakes(t, scenario, "refuse")["refuse"]["session"]
		assert.Check(t, strings.HasPrefix(verdict, want), "%s: %s", scenario, verdict)
	}
	verdict := fakes(t, "attach_one_taken/attach_before", "crash")["crash"]["session"]
	assert.Check(
		t, strings.HasPrefix(verdict, "FAIL: "), "a crash is no refusal: %s", verdict)
}

func TestADelveThatFailsIsAccusedInOneLine(t *testing.T) {
	const last = "it ended with 3: it was the fake's last hour"
	const late = " did not come"
	for scenario, cases := range map[string][]adaptertest.Case{
		"fork/launch": {
			{"start:hang", "bounded", "the debugger's start" + late},
			{"start:die", "session", "the debugger failed: the debugger's start: " + last},
			{"start:flood", "session bounded", "the debugger's start"}, // too much, or not in time
			{"GetVersion:hang", "bounded", "the debugger's start" + late},
			{
				"GetVersion:die", "session",
				"the debugger failed: the debugger's start: GetVersion: " + last,
			},
			{"GetVersion:flood", "session bounded", "the debugger's start"},
			{
				"GetVersion:close", "session",
				"the debugger failed: the debugger's start: GetVersion: its reply: unexpected EOF",
			},
			{"GetVersion:huge", "session bounded", "the debugger's start"},
			{`GetVersion:{"id":0,"resu`, "bounded", "the debugger's start" + late},
			{
				"GetVersion:\xff\xfe", "session",
				"the debugger failed: the debugger's start: GetVersion: its reply: invalid " +
					"character",
			},
			{
				`GetVersion:{"id":ID,"error":"not now"}`, "session",
				"the debugger failed: the debugger's start: GetVersion: not now",
			},
			{`GetVersion:{"id":999,"error":"whose?"}`, "bounded", "the debugger's start" + late},
			{
				`CreateBreakpoint:{"id":ID,"error":"not now"}`, "session",
				"the debugger failed: the debugger's start: CreateBreakpoint: not now",
			},
			{"continue:hang", "bounded", "the program's start" + late},
			{
				"continue:die", "session",
				"the debugger failed: the program's start: await checkpoint 0 of the program: " +
					"Command: " + last,
			},
			{"ended:hang", "bounded", "the debugger's word that the program is over" + late},
			{
				"ended:die", "session",
				"the debugger failed: the debugger's word that the program is over: Command: " +
					last,
			},
			{
				`ended:{"id":ID,"result":{"State":{"Pid":1,"exited":true}}}`, "sound",
				"process 1 ended with status 0; the kernel created no task 1",
			},
			{
				`ended:{"id":ID,"result":{"State":{"Pid":-1,"exited":true,"exitStatus":-9}}}`,
				"sound", `process -1 was killed by SIGKILL; the kernel created no task -1`,
			},
		},
		"fork/stops": {
			{"stopped:hang", "bounded", "the debugger's stop" + late},
			{"halt:hang", "bounded", "the debugger's stop" + late},
			{"halt:die", "session", "the debugger failed: the debugger's stop: Command: " + last},
			{"ListThreads:hang", "bounded", "the debugger's list of threads" + late},
			{
				"ListThreads:die", "session",
				"the debugger failed: the debugger's list of threads: ListThreads: " + last,
			},
			{
				`ListThreads:{"id":ID,"result":{"Threads":[{"id":-5}]}}`, "sound",
				"listed at checkpoint 0: task -5; the kernel created no such task",
			},
			{
				`ListThreads:{"id":ID,"result":{"Threads":[{"id":1}]}}`, "sound",
				"listed at checkpoint 0: task 1; the kernel created no such task",
			},
			{
				"ListThreads:{\"id\":ID,\"result\":{\"Threads\":[],\"\xff\":\"\xfe\"}}", "complete",
				"was not listed at checkpoint 0",
			},
			{
				`ListThreads:{"id":ID,"result":{"Threads":[{"id":1e99}]}}`, "session",
				"the debugger failed: the debugger's list of threads: ListThreads: its reply: " +
					"reading body json: cannot unmarshal number 1e99",
			},
		},
		"fork/detach_during": {
			{"Detach:hang", "bounded", "the debugger's detach" + late},
			{
				"Detach:die", "session",
				"the debugger failed: the debugger's detach: Detach: " + last,
			},
		},
	} {
		adaptertest.Accused(t, scenario, fakes(t, scenario, adaptertest.Fakes(cases)...), cases)
	}
}

// endless is a connection over which nonsense comes without end.
type endless struct{ io.Writer }

func (endless) Read(p []byte) (int, error) { return len(p), nil }
func (endless) Close() error               { return nil }

func TestWhatComesWithoutEndIsNotRead(t *testing.T) {
	conn := &bounded{ReadWriteCloser: endless{io.Discard}, hear: func([]byte) {}}
	for range 2 { // each request may have an answer of that size
		n, err := io.Copy(io.Discard, conn)
		assert.Error(t, err, "it sent more than 16777216 bytes")
		assert.Equal(t, n, int64(maxReply))
		_, err = conn.Write([]byte("a request"))
		assert.NilError(t, err)
	}
}
