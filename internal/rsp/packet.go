// Package rsp reads and writes gdb's remote serial protocol, as gdbserver and lldb-server speak it: packets and
// notifications, thread ids, stop replies, lists of threads and signal numbers. It is functions over bytes
// and holds no connection. The protocol is described in the gdb manual's appendix "Remote Serial Protocol".
package rsp

import (
	"bytes"
	"errors"
	"fmt"
)

// MaxPacket is the longest packet, in bytes, that is read, and the longest that its run lengths may make of it.
const MaxPacket = 1 << 20

// What a Frame is, by the byte that begins it.
const (
	Packet       = '$'
	Notification = '%'
	Ack          = '+'
	Nak          = '-'
)

// A Frame is one thing that came over the line. Data is without escapes and run lengths.
type Frame struct {
	Kind byte
	Data []byte
}

// Next reads the first frame of what has come, and says how many bytes it takes; none means that it is not complete
// yet. What can be no frame is an error.
func Next(come []byte) (f Frame, n int, err error) {
	if len(come) == 0 {
		return f, 0, nil
	}
	switch f.Kind = come[0]; f.Kind {
	case Ack, Nak:
		return f, 1, nil
	case Packet, Notification:
	default:
		return f, 0, fmt.Errorf("%q begins no packet", come[:min(len(come), 20)])
	}
	end := bytes.IndexByte(come, '#')
	switch {
	case end > MaxPacket || end < 0 && len(come) > MaxPacket:
		return f, 0, fmt.Errorf("a packet is longer than %d bytes", MaxPacket)
	case end < 0 || len(come) < end+3:
		return f, 0, nil
	}
	body := come[1:end]
	if want, got := checksum(body), come[end+1:end+3]; !bytes.EqualFold(want, got) {
		return f, 0, fmt.Errorf("packet %.40q has the checksum %q, and says %q", body, want, got)
	}
	f.Data, err = decode(body)
	return f, end + 3, err
}

// Append appends a packet of data to dst.
func Append(dst []byte, data string) []byte {
	dst = append(dst, Packet)
	begin := len(dst)
	for _, b := range []byte(data) {
		switch b {
		case '$', '#', '}', '*':
			dst = append(dst, '}', b^0x20)
		default:
			dst = append(dst, b)
		}
	}
	sum := checksum(dst[begin:])
	return append(append(dst, '#'), sum...)
}

func checksum(body []byte) []byte {
	var sum byte
	for _, b := range body {
		sum += b
	}
	return fmt.Appendf(nil, "%02x", sum)
}

// decode undoes escapes (a byte behind } is that without bit 5) and run lengths (a count behind *, plus 29, repeats the byte
// before it).
func decode(body []byte) ([]byte, error) {
	data := make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		switch b := body[i]; b {
		case '}', '*':
			if i++; i == len(body) {
				return nil, fmt.Errorf("packet %.40q ends in %q", body, b)
			}
			if b == '}' {
				data = append(data, body[i]^0x20)
				continue
			}
			count := int(body[i]) - 29
			if count < 3 || body[i] > 126 || len(data) == 0 {
				return nil, fmt.Errorf("packet %.40q repeats by %q", body, body[i-1:i+1])
			}
			if len(data)+count > MaxPacket {
				return nil, fmt.Errorf("a packet is longer than %d bytes", MaxPacket)
			}
			data = append(data, bytes.Repeat(data[len(data)-1:], count)...)
		default:
			data = append(data, b)
		}
	}
	return data, nil
}

// Part reads an answer to qXfer or qfThreadInfo: a part of a whole that ends with the part that is the last.
func Part(answer []byte) (part []byte, last bool, err error) {
	if len(answer) > 0 && (answer[0] == 'm' || answer[0] == 'l') {
		return answer[1:], answer[0] == 'l', nil
	}
	if err := Refused(answer); err != nil {
		return nil, false, err
	}
	return nil, false, fmt.Errorf("%.40q is no part of a list", answer)
}

// ErrUnknown is the answer to a request that a server does not know.
var ErrUnknown = errors.New("it does not know this request")

// Refused is why a request was refused, nil if the answer does not say that it was: an error is E and two digits, E. and
// words, or, from lldb-server, E and two digits, a semicolon and words in hexadecimal.
func Refused(answer []byte) error {
	if len(answer) == 0 {
		return ErrUnknown
	}
	if text, ok := bytes.CutPrefix(answer, []byte("E.")); ok {
		return fmt.Errorf("it answers %.200q", text)
	}
	if len(answer) < 3 || answer[0] != 'E' || !isHex(answer[1]) || !isHex(answer[2]) {
		return nil
	}
	if len(answer) > 4 && answer[3] == ';' {
		if text, err := unhex(string(answer[4:])); err == nil {
			return fmt.Errorf("it answers %.200q", text)
		}
	}
	if len(answer) > 3 {
		return nil
	}
	return fmt.Errorf("it answers %s", answer)
}

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}
