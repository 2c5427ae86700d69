package dap

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/adapter"
	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

// framed is a message as it is on the wire.
func framed(content string) string {
	return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(content), content)
}

const (
	initialized = `{"seq":0,"type":"event","event":"initialized"}`
	exited      = `{"seq":0,"type":"event","event":"exited","body":{"exitCode":7}}`
)

func TestMessagesAreRead(t *testing.T) {
	for _, c := range []struct{ name, out, want string }{
		{"none", "", ""},
		{"two", framed(initialized) + framed(exited), "initialized exited"},
		{
			"other fields", "content-length:46\r\nContent-Type: x\r\n\r\n" + initialized,
			"initialized",
		},
		{"lines without a return", "Content-Length: 46\n\n" + initialized, "initialized"},
		{
			"an event that the protocol does not have",
			framed(`{"seq":0,"type":"event","event":"mine","body":{"a":[]}}`) + framed(exited),
			"exited",
		},
		{
			"an answer that it does not have",
			framed(`{"seq":0,"type":"response","command":"mine","success":true}`) + framed(exited),
			"exited",
		},
		{
			"invalid UTF-8",
			framed(
				"{\"seq\":0,\"type\":\"event\",\"event\":\"output\",\"body\":{\"output" +
					"\":\"\xff\xfe\"}}"),
			"output",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			err := eachMessage(strings.NewReader(c.out), func(_ []byte, m dap.Message) error {
				got = append(got, m.(dap.EventMessage).GetEvent().Event)
				return nil
			})
			assert.NilError(t, err)
			assert.Equal(t, strings.Join(got, " "), c.want)
		})
	}
}

func TestMessagesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct{ name, out, want string }{
		{"words", "Segmentation fault\n", `"Segmentation fault" is no header`},
		{"half a header", "Content-Le", "the output ends within its header"},
		{"a header alone", "Content-Length: 46\r\n", "the output ends within its header"},
		{"half a message", framed(initialized)[:40], "the output ends within its 46 bytes"},
		{"no length", "Content-Type: x\r\n\r\n", "its header names no length"},
		{
			"a length that is none", "Content-Length: many\r\n\r\n",
			`"Content-Length: many" names no length`,
		},
		{"a negative length", "Content-Length: -1\r\n\r\n", `"Content-Length: -1" names no length`},
		{
			"a length beyond numbers", "Content-Length: 99999999999999999999\r\n\r\n",
			`"Content-Length: 99999999999999999999" names no length`,
		},
		{
			"a huge message", "Content-Length: 104857600\r\n\r\n",
			"it has 104857600 bytes, and may have 1048576",
		},
		{"a long line", strings.Repeat("x", headerSize+1), "its header is longer than 4096 bytes"},
		{
			"many fields", strings.Repeat("X: y\r\n", headerSize),
			"its header is longer than 4096 bytes",
		},
		{
			"a header of other bytes", "Content-Length\xff: 1\r\n",
			`"Content-Length\xff: 1" is no header`,
		},
		{
			"no JSON", framed("hello"),
			`"hello": invalid character 'h' looking for beginning of value`,
		},
		{"no object", framed("[1]"), `"[1]": json: cannot unmarshal array into Go value of type`},
		{"no type", framed("{}"), `"{}": ProtocolMessage type '' is not supported (seq: 0)`},
		{
			"another type",
			framed(`{"seq":0,"type":"event","event":"exited","body":{"exitCode":"7"}}`),
			`"{\"seq\":0,\"type\":\"event\",\"event\":\"exited\",\"body\":{\"exitCode` +
				`\":\"7\"}}": json: cannot unmarshal string`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := eachMessage(
				strings.NewReader(framed(exited)+c.out),
				func([]byte, dap.Message) error { return nil })
			assert.ErrorContains(t, err, "message 2 of its output: "+c.want)
			assert.Assert(t, len(err.Error()) < 512)
		})
	}
}

// An adapter may print anything: it is read in bounded memory, to its end or to an error.
func FuzzMessages(f *testing.F) {
	for _, seed := range []string{
		framed(initialized), framed(exited) + framed("{}"),
		"Content-Length: 5\r\n\r\nhello", "\r\n\r\n", "Content-Length: 1048577\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, out []byte) {
		in, taken := bytes.NewReader(out), 0
		err := eachMessage(in, func(_ []byte, m dap.Message) error {
			taken++
			return nil
		})
		if err == nil && in.Len() > 0 {
			t.Errorf("%d bytes were not read", in.Len())
		}
		if err != nil &&
			(!strings.HasPrefix(err.Error(), "message ") || strings.Count(err.Error(), "\n") > 0) {
			t.Errorf("the error is no clear line: %q", err)
		}
		if taken*len("Content-Length: 2\n\n{}") > len(out) {
			t.Errorf("%d messages in %d bytes", taken, len(out))
		}
	})
}

// An endless header is read no further than a header may be long.
func TestAnEndlessHeaderEnds(t *testing.T) {
	err := eachMessage(endless{}, func([]byte, dap.Message) error { return nil })
	assert.Error(t, err, "message 1 of its output: its header is longer than 4096 bytes")
	assert.Assert(t, adapter.MaxLine > headerSize)
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

var _ io.Reader = endless{}

func TestPairsOfNumbers(t *testing.T) {
	for _, c := range []struct {
		text string
		want map[event.TID]event.TID
	}{
		{"", map[event.TID]event.TID{}},
		{"[(1, 4711), (2, 4712)]", map[event.TID]event.TID{1: 4711, 2: 4712}},
		{"{1: 4711, 2: 4712}\n", map[event.TID]event.TID{1: 4711, 2: 4712}},
		{"1,-5", map[event.TID]event.TID{1: -5}},
		{"(1, 99999999999999999999)", map[event.TID]event.TID{}},
		{"no threads", map[event.TID]event.TID{}},
	} {
		assert.DeepEqual(t, pairs(c.text), c.want)
	}
}

func FuzzPairs(f *testing.F) {
	f.Add("[(1, 4711), (2, 4712)]")
	f.Fuzz(func(t *testing.T, text string) {
		if n := len(pairs(text)); n > len(text)/3 {
			t.Errorf("%d pairs in %q", n, text)
		}
	})
}
