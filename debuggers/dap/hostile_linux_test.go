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
	"github.com/tidcheck/tidcheck/debuggers/internal/adaptertest"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

// faked is a fake, which takes no longer than others do.
type faked struct {
	harness.Debugger
	plan string
}

func (f faked) Name() string { return f.plan }

// fakes runs a scenario under a fake for each plan, all at once, and gives each rule's verdict and detail by it.
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
		late   = "the debugger's start did not come within 2s"
		thread = `{"seq":0,"type":"event","event":"thread","body":{"reason":"started","threadId":%d}}`
		of1    = `{"seq":0,"type":"event","event":"process","body":{"name":"init","systemProcessId":1}}`
		stop   = `{"seq":0,"type":"event","event":"stopped","body":{"reason":"exception","threadId":5}}`
	)
	for scenario, cases := range map[string][]adaptertest.Case{
		"fork/launch": {
			{"initialize:hang", "bounded", late},
			{"initialize:die", "complete", failed + "initialize: it ended with 3: cannot go on"},
			{"initialize:Content-Le", "complete", failed + `initialize: message 1 of its output: its header names no length`}, // with what comes next
			{"initialize:Content-Length: 20\r\n\r\n{", "complete", failed + "initialize: message 1 of its output: "},
			{"launch:Content-Length: 1048576\r\n\r\n{", "bounded", late},
			{"launch:Content-Length: 104857600\r\n\r\n", "complete", failed + "launch: message 2 of its output: it has 104857600 bytes, and may have 1048576"},
			{"launch:Content-Length: -1\r\n\r\n", "complete", failed + `launch: message 2 of its output: "Content-Length: -1" names no length`},
			{"launch:\xff\xfe\r\n", "complete", failed + `launch: message 2 of its output: "\xff\xfe" is no header`},
			{"launch:" + said("{\"\xff\":\"\xfe\"}"), "complete", failed + `launch: message 2 of its output: "{\"\xff\":\"\xfe\"}": `},
			{"launch:flood x", "complete", failed + "launch: message 2 of its output: its header is longer than 4096 bytes"},
			{"launch:flood " + said(initialized), "complete bounded", "the debugger's start"}, // too much, or not in time,
			{"continue:" + said(fmt.Sprintf(thread, -5)), "sound", "the program had no task -5"},
			{"continue:" + said(fmt.Sprintf(thread, 1)), "sound", "the program had no task 1"},
			{"continue:" + said(of1) + said(exited), "sound complete", "the program"}, // it had no task 1, or had not begun when that was over
			{"continue:flood " + said(stop), "complete", "it has 1000 requests to answer, and stops again"},
		},
		"fork/attach_before": {
			{`list:{"threads":[{"id":-5}]}`, "sound", "the program had no task -5"},
			{`list:{"threads":[{"id":1}]}`, "sound", "the program had no task 1"},
			{`list:{"threads":[{"id":1e99}]}`, "complete", "the debugger's list of threads"},
			{"threads:hang", "bounded", "the debugger's list of threads did not come within 2s"},
			{"threads:deafen", "complete", "it takes no more requests"},
		},
	} {
		adaptertest.Accused(t, scenario, fakes(t, scenario, adaptertest.Fakes(cases)...), cases)
	}
}

// A message that is announced as huge is refused before there is room made for it, and none is made for what follows a refusal.
func TestAHugeMessageTakesNoMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := eachMessage(strings.NewReader("Content-Length: 104857600\r\n\r\n{"), func(dap.Message) error { return nil })
	runtime.ReadMemStats(&after)
	assert.ErrorContains(t, err, "it has 104857600 bytes")
	assert.Assert(t, after.TotalAlloc-before.TotalAlloc < harness.MaxLine, "%d bytes", after.TotalAlloc-before.TotalAlloc)
}

// What an adapter stops without end, it is told to continue so often alone as it answers: else each stop would cost a goroutine.
func TestStopsWithoutEndAreNotAnsweredWithoutEnd(t *testing.T) {
	s := &session{changed: make(chan struct{}), answers: make(map[int]dap.ResponseMessage)}
	s.pending = make([]int, maxPending)
	s.state.begun = true
	stop := &dap.StoppedEvent{Body: dap.StoppedEventBody{Reason: "exception", ThreadId: 5}}
	assert.Error(t, s.take(stop), "it has 1000 requests to answer, and stops again")
}

// What an adapter has yet to say when it takes no more requests is waited for.
func TestAnAdapterThatDepartsIsHeardOut(t *testing.T) {
	verdicts := fakes(t, "fork/launch", "continue:depart")["continue:depart"]
	for _, rule := range []string{"running", "transparent", "bounded"} {
		assert.Assert(t, strings.HasPrefix(verdicts[rule], "PASS"), "%s: %s", rule, verdicts[rule])
	}
}

// An adapter that takes no more requests may still answer those that it took.
func TestARequestThatWasTakenIsWaitedFor(t *testing.T) {
	s := &session{Tool: &harness.Tool{}, changed: make(chan struct{}), posted: make(chan struct{}, 1)}
	taken, untaken := &dap.ThreadsRequest{Request: request("threads")}, &dap.PauseRequest{Request: request("pause")}
	assert.NilError(t, s.send(taken))
	assert.NilError(t, s.send(untaken))
	s.deaf, s.unheard = errors.New("it is deaf"), untaken.Seq
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.answer(over, taken)
	assert.ErrorIs(t, err, context.Canceled)
	_, err = s.answer(over, untaken)
	assert.ErrorIs(t, err, s.deaf)
}

// A program that was let go on from a stop is to be stopped after that, not before.
func TestRequestsAreWrittenInTheirOrder(t *testing.T) {
	s := &session{changed: make(chan struct{}), posted: make(chan struct{}, 1)}
	s.state.begun = true
	assert.NilError(t, s.take(&dap.StoppedEvent{Body: dap.StoppedEventBody{Reason: "exception", ThreadId: 5}}))
	assert.NilError(t, s.send(&dap.PauseRequest{Request: request("pause")}))
	var commands []string
	for _, letter := range s.unwritten {
		m, err := dap.ReadProtocolMessage(bufio.NewReader(bytes.NewReader(letter.text)))
		assert.NilError(t, err)
		commands = append(commands, m.(dap.RequestMessage).GetRequest().Command)
	}
	assert.DeepEqual(t, commands, []string{"continue", "pause"})
}

// Continues are sent from stops, beside what the suite asks for. Each request comes whole.
func TestRequestsAtOnceComeWhole(t *testing.T) {
	const stop = `{"seq":0,"type":"event","event":"stopped","body":{"reason":"exception","threadId":5}}`
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
