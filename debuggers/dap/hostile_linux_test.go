package dap

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

// faked is the fake without the time scale of a debug adapter.
type faked struct {
	harness.Debugger
	plan string
}

func (f faked) Name() string { return f.plan }

// fakes runs a scenario under one fake for each plan, all at once. It gives each rule's verdict and
// detail, by the plan.
func fakes(t *testing.T, scenario string, plans ...string) map[string]map[string]string {
	t.Helper()
	var all []harness.Debugger
	for _, plan := range plans {
		d := planning(plan)
		d.Births = true
		all = append(all, faked{d, plan})
	}
	o := harness.Options{TimeScale: 0.4, Jobs: 4}
	return adaptertest.Verdicts(t, scenario, o, all...)
}

func TestAnAdapterThatSaysNonsenseIsAccusedInOneLine(t *testing.T) {
	const (
		failed = "the debugger failed: the debugger's start: request "
		late   = "the debugger's start did not come"
		thread = `{"seq":0,"type":"event","event":"thread","body":{"reason":"started","threadId` +
			`":%d}}`
		of1 = `{"seq":0,"type":"event","event":"process","body":{"name":"init","systemProces` +
			`sId":1}}`
		stop = `{"seq":0,"type":"event","event":"stopped","body":{"reason":"exception","threa` +
			`dId":5}}`
	)
	for scenario, cases := range map[string][]adaptertest.Case{
		"fork/launch": {
			{"initialize:hang", "bounded", late},
			{"initialize:die", "session", failed + "initialize: it ended with 3: cannot go on"},
			// with what comes next
			{
				"initialize:Content-Le", "session",
				failed + `initialize: message 1 of its output: its header names no length`,
			},
			{
				"initialize:Content-Length: 20\r\n\r\n{", "session",
				failed + "initialize: message 1 of its output: ",
			},
			{"launch:Content-Length: 1048576\r\n\r\n{", "bounded", late},
			{
				"launch:Content-Length: 104857600\r\n\r\n", "session",
				failed +
					"launch: message 2 of its output: it has 104857600 bytes, and may have 1048576",
			},
			{
				"launch:Content-Length: -1\r\n\r\n", "session",
				failed + `launch: message 2 of its output: "Content-Length: -1" names no length`,
			},
			{
				"launch:\xff\xfe\r\n", "session",
				failed + `launch: message 2 of its output: "\xff\xfe" is no header`,
			},
			{
				"launch:" + said("{\"\xff\":\"\xfe\"}"), "session",
				failed + `launch: message 2 of its output: "{\"\xff\":\"\xfe\"}": `,
			},
			{
				"launch:" + said(`{"seq":1,"type":"gossip"}`), "",
				"the debugger's start: request launch: message 2 of its output: " +
					`"{\"seq\":1,\"type\":\"gossip\"}": tidcheck's adapter does not know "gossip"`,
			},
			{
				"launch:flood x", "session",
				failed + "launch: message 2 of its output: its header is longer than 4096 bytes",
			},
			// too much, or not in time,
			{"launch:flood " + said(initialized), "session bounded", "the debugger's start"},
			{"continue:" + said(fmt.Sprintf(thread, -5)), "sound", "the kernel created no task -5"},
			{"continue:" + said(fmt.Sprintf(thread, 1)), "sound", "the kernel created no task 1"},
			// it had no task 1, or had not begun when that was over
			{"continue:" + said(of1) + said(exited), "sound complete", " program"},
			{
				"continue:flood " + said(stop), "session",
				"it has 1000 requests to answer, and stops again",
			},
		},
		"fork/attach_before": {
			{`list:{"threads":[{"id":-5}]}`, "sound", "task -5; the kernel created no such task"},
			{`list:{"threads":[{"id":1}]}`, "sound", "task 1; the kernel created no such task"},
			{`list:{"threads":[{"id":1e99}]}`, "session", "the debugger's list of threads"},
			{"threads:hang", "bounded", "the debugger's list of threads did not come"},
			{"threads:deafen", "session", "it takes no more requests"},
		},
	} {
		adaptertest.Accused(t, scenario, fakes(t, scenario, adaptertest.Fakes(cases)...), cases)
	}
}

// A message that is announced as huge is refused before memory is allocated for it, and nothing is
// read after that.
func TestAHugeMessageTakesNoMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := eachMessage(
		strings.NewReader("Content-Length: 104857600\r\n\r\n{"),
		func([]byte, dap.Message) error { return nil })
	runtime.ReadMemStats(&after)
	assert.ErrorContains(t, err, "it has 104857600 bytes")
	assert.Assert(
		t, after.TotalAlloc-before.TotalAlloc < adapter.MaxLine, "%d bytes",
		after.TotalAlloc-before.TotalAlloc)
}

// An adapter that stops without end is told to continue only as often as it answers: else the
// requests would fill the memory.
func TestStopsWithoutEndAreNotAnsweredWithoutEnd(t *testing.T) {
	s := &session{}
	for range maxOpen {
		s.requests.New()
	}
	s.begun = true
	stop := &dap.StoppedEvent{Body: dap.StoppedEventBody{Reason: "exception", ThreadId: 5}}
	assert.Error(t, s.take(nil, stop), "it has 1000 requests to answer, and stops again")
}

// What an adapter says after it has stopped taking requests is still read.
func TestAnAdapterThatDepartsIsHeardOut(t *testing.T) {
	verdicts := fakes(t, "fork/launch", "continue:depart")["continue:depart"]
	for _, rule := range []string{"running", "transparent", "bounded"} {
		assert.Assert(t, strings.HasPrefix(verdicts[rule], "PASS"), "%s: %s", rule, verdicts[rule])
	}
}

// An adapter that takes no more requests may still answer earlier ones.
func TestARequestThatWasTakenIsWaitedFor(t *testing.T) {
	s := &session{Tool: &adapter.Tool{}}
	deaf := errors.New("it is deaf")
	s.requests.New()
	pause := &dap.PauseRequest{Request: request("pause")}
	sent, err := s.send(pause)
	assert.NilError(t, err)
	s.requests.Answer(sent.Number, untaken{failed: deaf})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.answer(over, pause, sent)
	assert.ErrorIs(t, err, deaf)
}

// A continue from a stop, and a pause after it, must not change their order.
func TestRequestsAreWrittenInTheirOrder(t *testing.T) {
	s := &session{}
	s.begun = true
	assert.NilError(
		t, s.take(nil,
			&dap.StoppedEvent{Body: dap.StoppedEventBody{Reason: "exception", ThreadId: 5}}))
	_, err := s.send(&dap.PauseRequest{Request: request("pause")})
	assert.NilError(t, err)
	var commands []string
	for _, letter := range s.unwritten {
		m, err := dap.ReadProtocolMessage(bufio.NewReader(bytes.NewReader(letter.text)))
		assert.NilError(t, err)
		commands = append(commands, m.(dap.RequestMessage).GetRequest().Command)
	}
	assert.DeepEqual(t, commands, []string{"continue", "pause"})
}

// Continues are sent from stops, beside the requests of the suite. Each request comes whole.
func TestRequestsAtOnceComeWhole(t *testing.T) {
	const stop = `{"seq":0,"type":"event","event":"stopped","body":{"reason":"exception","threa` +
		`dId":5}}`
	d := planning("threads:" + strings.Repeat(said(stop), 100))
	start(t, "fork/attach_before", d, func(ctx context.Context, s harness.Session, err error) {
		assert.NilError(t, err)
		assert.NilError(t, s.Resume(ctx))
		for range 20 {
			_, err := s.Threads(ctx)
			assert.NilError(t, err)
		}
	})
}
