package rsp

import (
	"testing"

	"gotest.tools/v3/assert"
)

func TestStopReplies(t *testing.T) {
	for reply, want := range map[string]Stop{
		"T05create:;06:c0;10:d9;thread:p75cc.75cd;core:1;":       {Kind: Stopped, Signal: 5, Event: "create", Thread: Thread{0x75cc, 0x75cd}},
		"T05fork:p8.8;thread:p7.9;":                              {Kind: Stopped, Signal: 5, Event: "fork", Child: Thread{8, 8}, Thread: Thread{7, 9}},
		"T05vfork:p8.8;thread:p7.7;":                             {Kind: Stopped, Signal: 5, Event: "vfork", Child: Thread{8, 8}, Thread: Thread{7, 7}},
		"T05vforkdone:;thread:p7.7;":                             {Kind: Stopped, Signal: 5, Event: "vforkdone", Thread: Thread{7, 7}},
		"T05exec:2f62696e2f73;thread:p7.7;":                      {Kind: Stopped, Signal: 5, Event: "exec", Path: "/bin/s", Thread: Thread{7, 7}},
		"T05thread:p7.7;reason:exec;":                            {Kind: Stopped, Event: "exec", Thread: Thread{7, 7}},
		"T1e06:00;thread:p7.8;core:0;":                           {Kind: Stopped, Signal: 0x1e, Thread: Thread{7, 8}},
		"T13thread:3b0;name:fork;threads:3b0,3b1;reason:signal;": {Kind: Stopped, Signal: 0x13, Thread: Thread{0, 0x3b0}, Threads: []Thread{{0, 0x3b0}, {0, 0x3b1}}},
		"T05thread:p7.7;reason:vfork;vfork:p8.8;":                {Kind: Stopped, Event: "vfork", Child: Thread{8, 8}, Thread: Thread{7, 7}},
		"T05thread:7;reason:breakpoint;":                         {Kind: Stopped, Signal: 5, Thread: Thread{0, 7}},
		"T05thread:7;reason:trace;":                              {Kind: Stopped, Thread: Thread{0, 7}},
		"T0athread:p6.7;jstopinfo:" + Hex(`[{"name":"a","tid":6},{"reason":"signal","signal":10,"tid":7},{"reason":"signal","signal":12,"tid":8},{"reason":"fork","description":"20 21","signal":5,"tid":9},{"reason":"trace","signal":5,"tid":11}]`) + ";reason:signal;": {
			Kind: Stopped, Signal: 10, Thread: Thread{6, 7}, Others: []Stop{
				{Kind: Stopped, Signal: 12, Thread: Thread{6, 8}},
				{Kind: Stopped, Event: "fork", Child: Thread{20, 21}, Thread: Thread{6, 9}},
				{Kind: Stopped, Thread: Thread{6, 11}},
			},
		},
		"T00thread:p7.7;":               {Kind: Stopped, Thread: Thread{7, 7}},
		"S05":                           {Kind: Stopped, Signal: 5},
		"W2a":                           {Kind: Exited, Code: 0x2a},
		"W00;process:7fd":               {Kind: Exited, PID: 0x7fd},
		"X09;process:7":                 {Kind: Signalled, Signal: 9, PID: 7},
		"X0b":                           {Kind: Signalled, Signal: 11},
		"X09;process:7;description:6b;": {Kind: Signalled, Signal: 9, PID: 7},
		"w0;p7.8":                       {Kind: ThreadExited, Thread: Thread{7, 8}},
		"wff;8":                         {Kind: ThreadExited, Code: 255, Thread: Thread{0, 8}},
		"N":                             {Kind: NoResumed},
		"T05watch:7ffe;thread:p7.7;unheard-of:x;": {Kind: Stopped, Signal: 5, Event: "watch", Thread: Thread{7, 7}},
	} {
		got, err := ParseStop([]byte(reply))
		assert.NilError(t, err, reply)
		assert.DeepEqual(t, got, want)
	}
}

func TestWhatIsNoStopReplyIsRefused(t *testing.T) {
	for reply, want := range map[string]string{
		"":                                    "an empty packet is no stop reply",
		"OK":                                  `stop reply "OK": it begins with 'O'`,
		"Q":                                   `stop reply "Q": it begins with 'Q'`,
		"T":                                   `stop reply "T": its signal is missing`,
		"Tzz":                                 `stop reply "Tzz": "zz" is no status`,
		"T05thread:p7.-1;":                    `stop reply "T05thread:p7.-1;": "p7.-1" is no thread's id`,
		"T05thread:-5;":                       `stop reply "T05thread:-5;": "-5" is no thread's id`,
		"T05thread:0;":                        `stop reply "T05thread:0;": "0" is no thread's id`,
		"T05thread:p7;":                       `stop reply "T05thread:p7;": "p7" is no thread's id`,
		"T05fork:x;thread:p7.7;":              `stop reply "T05fork:x;thread:p7.7;": "x" is no thread's id`,
		"T05exec:zz;thread:p7.7;":             `stop reply "T05exec:zz;thread:p7.7;": encoding/hex: invalid byte: U+007A 'z'`,
		"T05thread:7;threads:7,;":             `stop reply "T05thread:7;threads:7,;": "" is no thread's id`,
		"T05jstopinfo:zz":                     `stop reply "T05jstopinfo:zz": encoding/hex: invalid byte: U+007A 'z'`,
		"T05jstopinfo:" + Hex("["):            `stop reply "T05jstopinfo:5b": unexpected end of JSON input`,
		"T05jstopinfo:" + Hex(`[{"tid":-5}]`): `stop reply "T05jstopinfo:5b7b22746964223a2d357d5d": thread -5 has the signal 0`,
		"W":                                   `stop reply "W": "" is no status`,
		"W00;process:-1":                      `stop reply "W00;process:-1": "process:-1" names no process`,
		"w0":                                  `stop reply "w0": "" is no thread's id`,
		"w0;p7.-1":                            `stop reply "w0;p7.-1": "p7.-1" is no thread's id`,
	} {
		_, err := ParseStop([]byte(reply))
		assert.Error(t, err, want)
	}
}

func TestOutputIsNoAnswer(t *testing.T) {
	for packet, want := range map[string]bool{"O68690a": true, "O": false, "OK": false, "O1": false, "O6x": false, "": false, "T00": false} {
		assert.Equal(t, IsOutput([]byte(packet)), want, packet)
	}
}

func FuzzParseStop(f *testing.F) {
	for _, seed := range []string{"T05create:;thread:p7.8;", "T05fork:p8.8;thread:p7.7;", "W0;process:7", "w0;p7.8", "X9", "N", "T13thread:7;threads:7,8;", "T05jstopinfo:5b5d;"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, reply []byte) {
		s, err := ParseStop(reply)
		if err != nil {
			assert.DeepEqual(t, s, Stop{})
			return
		}
		for _, id := range append(s.Threads, s.Thread, s.Child) {
			assert.Assert(t, id.TID >= 0 && id.PID >= 0, "%q names %v", reply, id)
		}
		for _, o := range s.Others {
			assert.Assert(t, o.Thread.TID > 0 && o.Child.PID >= 0 && o.Child.TID >= 0 && o.Signal >= 0)
		}
		assert.Assert(t, s.Signal >= 0 && s.Code >= 0 && s.PID >= 0)
	})
}
