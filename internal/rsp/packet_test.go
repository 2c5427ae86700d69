package rsp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

func TestFramesAreRead(t *testing.T) {
	for _, c := range []struct {
		received, kind, data string
		n                    int
	}{
		{"", "", "", 0},
		{"+$OK#9a", "+", "", 1},
		{"-", "-", "", 1},
		{"$OK#9a$more", "$", "OK", 6},
		{"$OK#9A", "$", "OK", 6},
		{"$#00", "$", "", 4},
		{"%Stop:w0;p7.8#cf+", "%", "Stop:w0;p7.8", 16},
		{"$0* #7a", "$", "0000", 7},
		{"$x}\x03}\x04}]}\n#da", "$", "x#$}*", 13},
		{"$}", "", "", 0},
		{"$OK", "", "", 0},
		{"$OK#9", "", "", 0},
	} {
		f, n, err := Next([]byte(c.received))
		assert.NilError(t, err, "%q", c.received)
		assert.Equal(t, n, c.n, "%q", c.received)
		if n > 0 {
			assert.Equal(t, string(f.Kind), c.kind, "%q", c.received)
			assert.Equal(t, string(f.Data), c.data, "%q", c.received)
		}
	}
}

func TestMalformedFramesAreRefused(t *testing.T) {
	long := strings.Repeat("x", MaxPacket+1)
	bomb := "x" + strings.Repeat("*~", 12000)
	for received, want := range map[string]string{
		"hello there, client, and more": `"hello there, client," begins no packet`,
		"\xff\xfe":                      `"\xff\xfe" begins no packet`,
		"$OK#9b":                        `packet "OK" has the checksum "9a", and says "9b"`,
		"$OK#zz":                        `packet "OK" has the checksum "9a", and says "zz"`,
		framed("a}"):                    `packet "a}" ends in '}'`,
		framed("a*"):                    `packet "a*" ends in '*'`,
		framed("*!"):                    `packet "*!" has the run length "*!"`,
		framed("a*\x1f"):                `packet "a*\x1f" has the run length "*\x1f"`,
		framed("a*\x7f"):                `packet "a*\x7f" has the run length "*\x7f"`,
		"$" + long:                      "a packet is longer than 1048576 bytes",
		framed(long):                    "a packet is longer than 1048576 bytes",
		framed(bomb):                    "a packet is longer than 1048576 bytes",
	} {
		_, _, err := Next([]byte(received))
		assert.Error(t, err, want)
	}
}

// framed makes a packet of an encoded body.
func framed(body string) string { return "$" + body + "#" + string(checksum([]byte(body))) }

func TestPacketsAreWritten(t *testing.T) {
	for data, want := range map[string]string{
		"OK":      "$OK#9a",
		"":        "$#00",
		"a#$}*b":  "$a}\x03}\x04}]}\nb#25",
		"vCont;c": "$vCont;c#a8",
	} {
		assert.Equal(t, string(Append([]byte("+"), data)), "+"+want)
	}
}

func TestPartsOfListsAreRead(t *testing.T) {
	for _, c := range []struct {
		answer, part string
		last         bool
	}{{"m<threads>", "<threads>", false}, {"l", "", true}, {"lx", "x", true}, {"m", "", false}} {
		part, last, err := Part([]byte(c.answer))
		assert.NilError(t, err)
		assert.Equal(t, string(part), c.part)
		assert.Equal(t, last, c.last)
	}
	for _, answer := range []string{"", "OK"} {
		_, _, err := Part([]byte(answer))
		assert.Error(t, err, fmt.Sprintf("%q is no part of a list", answer))
	}
}

func TestRefusalsAreErrors(t *testing.T) {
	for answer, want := range map[string]string{
		"":                   "it does not know this request",
		"E01":                "it answers E01",
		"Eff":                "it answers Eff",
		"E.not now":          `it answers "not now"`,
		"E37;6e6f7420686572": `it answers "not her"`,
	} {
		assert.Error(t, Refused([]byte(answer)), want)
	}
	for _, answer := range []string{"OK", "l", "E0", "E0x", "E012", "E01;zz", "T05"} {
		assert.NilError(t, Refused([]byte(answer)), answer)
	}
}

// A written packet is read again, whole or in pieces. No input makes a frame above its bounds.
func FuzzNext(f *testing.F) {
	for _, seed := range []string{
		"$OK#9a", "%Stop:w0;p7.8#40", "$0* #7a", "$x}\x03#a3", "+", "$x*~*~#00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, received []byte) {
		frame, n, err := Next(received)
		assert.Assert(t, n >= 0 && n <= len(received) && len(frame.Data) <= MaxPacket)
		if err == nil && n > 0 && frame.Kind == Packet {
			again, m, err := Next(Append(nil, string(frame.Data)))
			assert.NilError(t, err)
			assert.Assert(t, m > 0 && bytes.Equal(again.Data, frame.Data))
		}
		sent := Append(nil, string(received[:min(len(received), MaxPacket/2)]))
		for cut := range min(len(sent), 64) {
			_, n, err := Next(sent[:cut])
			assert.Assert(t, n == 0 && err == nil)
		}
		got, n, err := Next(sent)
		assert.NilError(t, err)
		assert.Assert(t, n == len(sent) && bytes.Equal(got.Data, received[:len(got.Data)]))
	})
}
