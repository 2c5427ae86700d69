package rsp

import (
	"fmt"
	"testing"

	"gotest.tools/v3/assert"
)

// stopped is a stop with a signal, of thread tid of process 7.
func stopped(signal, tid int) Stop {
	return Stop{Kind: Stopped, Signal: signal, Thread: Thread{7, tid}}
}

// did is a stop at what a thread of process 7 did. The child is a process of one thread.
func did(event string, signal, tid, child int) Stop {
	s := stopped(signal, tid)
	s.Event, s.Child = event, Thread{child, child}
	return s
}

func TestStopRepliesAreRead(t *testing.T) {
	for reply, want := range map[string]Stop{
		"T05create:;06:c0;10:d9;thread:p7.75cd;core:1;": did("create", 5, 0x75cd, 0),
		"T05fork:p8.8;thread:p7.9;":                     did("fork", 5, 9, 8),
		"T05vfork:p8.8;thread:p7.7;":                    did("vfork", 5, 7, 8),
		"T05vforkdone:;thread:p7.7;":                    did("vforkdone", 5, 7, 0),
		"T05exec:2f62696e2f73;thread:p7.7;":             did("exec", 5, 7, 0),
		"T05thread:p7.7;reason:exec;":                   did("exec", 0, 7, 0),
		"T1e06:00;thread:p7.8;core:0;":                  stopped(0x1e, 8),
		"T13thread:3b0;name:fork;threads:3b0,3b1;reason:signal;": {
			Kind: Stopped, Signal: 0x13, Thread: Thread{0, 0x3b0},
		},
		"T05thread:p7.7;reason:vfork;vfork:p8.8;": did("vfork", 0, 7, 8),
		"T05thread:7;reason:breakpoint;":          {Kind: Stopped, Signal: 5, Thread: Thread{0, 7}},
		"T05thread:7;reason:trace;":               {Kind: Stopped, Thread: Thread{0, 7}},
		"T0athread:p7.7;jstopinfo:" + inHex(`[{"name":"a","tid":6},`+
			`{"reason":"signal","signal":10,"tid":7},{"reason":"signal","signal":12,"tid":8},`+
			`{"reason":"fork","description":"20 20","signal":5,"tid":9},`+
			`{"reason":"trace","signal":5,"tid":11}]`) + ";reason:signal;": {
			Kind: Stopped, Signal: 10, Thread: Thread{7, 7},
			Others: []Stop{stopped(12, 8), did("fork", 0, 9, 20), stopped(0, 11)},
		},
		"T00thread:p7.7;":               stopped(0, 7),
		"S05":                           {Kind: Stopped, Signal: 5},
		"W2a":                           {Kind: Exited, Code: 0x2a},
		"W00;process:7fd":               {Kind: Exited, PID: 0x7fd},
		"X09;process:7":                 {Kind: Signalled, Signal: 9, PID: 7},
		"X0b":                           {Kind: Signalled, Signal: 11},
		"X09;process:7;description:6b;": {Kind: Signalled, Signal: 9, PID: 7},
		"w0;p7.8":                       {Kind: ThreadExited, Thread: Thread{7, 8}},
		"wff;8":                         {Kind: ThreadExited, Code: 255, Thread: Thread{0, 8}},
		"N":                             {Kind: NoResumed},
		"T05watch:7ffe;thread:p7.7;unheard-of:x;": did("watch", 5, 7, 0),
	} {
		got, err := ParseStop([]byte(reply))
		assert.NilError(t, err, reply)
		assert.DeepEqual(t, got, want)
	}
}

func TestMalformedStopRepliesAreRefused(t *testing.T) {
	const isNoHex = "encoding/hex: invalid byte: U+007A 'z'"
	for reply, want := range map[string]string{
		"OK":                                    "it begins with none of TSWXwN",
		"Q":                                     "it begins with none of TSWXwN",
		"T":                                     "its signal is missing",
		"Tzz":                                   `"zz" is no status`,
		"T05thread:p7.-1;":                      `"p7.-1" is no thread's id`,
		"T05thread:-5;":                         `"-5" is no thread's id`,
		"T05thread:0;":                          `"0" is no thread's id`,
		"T05thread:p7;":                         `"p7" is no thread's id`,
		"T05fork:x;thread:p7.7;":                `"x" is no thread's id`,
		"T05jstopinfo:zz":                       isNoHex,
		"T05jstopinfo:" + inHex("["):            "unexpected end of JSON input",
		"T05jstopinfo:" + inHex(`[{"tid":-5}]`): "thread -5 has the signal 0",
		"W":                                     `"" is no status`,
		"W00;process:-1":                        `"process:-1" names no process`,
		"w0":                                    `"" is no thread's id`,
		"w0;p7.-1":                              `"p7.-1" is no thread's id`,
	} {
		_, err := ParseStop([]byte(reply))
		assert.Error(t, err, fmt.Sprintf("stop reply %q: %s", reply, want))
	}
	_, err := ParseStop(nil)
	assert.Error(t, err, "an empty packet is no stop reply")
}

func TestOutputIsNoAnswer(t *testing.T) {
	for packet, want := range map[string]bool{
		"O68690a": true, "O": false, "OK": false, "O1": false, "O6x": false,
		"": false, "T00": false,
	} {
		assert.Equal(t, IsOutput([]byte(packet)), want, packet)
	}
}

func FuzzParseStop(f *testing.F) {
	for _, seed := range []string{
		"T05create:;thread:p7.8;", "T05fork:p8.8;thread:p7.7;", "W0;process:7", "w0;p7.8", "X9",
		"N", "T13thread:7;threads:7,8;", "T05jstopinfo:5b5d;",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, reply []byte) {
		s, err := ParseStop(reply)
		if err != nil {
			assert.DeepEqual(t, s, Stop{})
			return
		}
		for _, id := range []Thread{s.Thread, s.Child} {
			assert.Assert(t, id.TID >= 0 && id.PID >= 0, "%q names %v", reply, id)
		}
		for _, o := range s.Others {
			assert.Assert(t, o.Thread.TID > 0 && o.Signal >= 0)
			assert.Assert(t, o.Child.PID >= 0 && o.Child.TID >= 0)
		}
		assert.Assert(t, s.Signal >= 0 && s.Code >= 0 && s.PID >= 0)
	})
}

// inHex is a text in hexadecimal, as stop replies have it.
func inHex(text string) string { return fmt.Sprintf("%x", text) }
