// Package rsp reads and writes gdb's remote serial protocol, as gdbserver and lldb-server speak it:
// packets and notifications, thread ids, stop replies, lists of threads and signal numbers. Its
// functions work on bytes; it holds no connection. The appendix "Remote Serial Protocol" of gdb's
// manual describes the protocol.
package rsp

import (
	"bytes"
	"errors"
	"fmt"
)

// MaxPacket is the size in bytes above which a packet is refused, before and after decoding.
const MaxPacket = 1 << 20

// The kinds of frames: the byte that begins one.
const (
	Packet       = '$'
	Notification = '%'
	Ack          = '+'
	Nak          = '-'
)

// A Frame is one packet, notification or acknowledgement.
type Frame struct {
	Kind byte   // Packet, Notification, Ack or Nak
	Data []byte // Packet, Notification: without escapes and run lengths
}

var errTooLong = fmt.Errorf("a packet is longer than %d bytes", MaxPacket)

// Next reads the first frame of the received bytes, and returns how many bytes it takes: 0 if the
// frame is not complete yet. Bytes that cannot begin a frame are an error, and so are a wrong
// checksum, a malformed encoding and a packet above [MaxPacket].
func Next(received []byte) (f Frame, n int, err error) {
	if len(received) == 0 {
		return f, 0, nil
	}
	switch f.Kind = received[0]; f.Kind {
	case Ack, Nak:
		return f, 1, nil
	case Packet, Notification:
	default:
		return f, 0, fmt.Errorf("%q begins no packet", received[:min(len(received), 20)])
	}
	end := bytes.IndexByte(received, '#')
	switch {
	case end > MaxPacket || end < 0 && len(received) > MaxPacket:
		return f, 0, errTooLong
	case end < 0 || len(received) < end+3:
		return f, 0, nil
	}
	body := received[1:end]
	if want, got := checksum(body), received[end+1:end+3]; !bytes.EqualFold(want, got) {
		return f, 0, fmt.Errorf("packet %.40q has the checksum %q, and says %q", body, want, got)
	}
	f.Data, err = decode(body)
	return f, end + 3, err
}

// Append appends a packet with this data to dst.
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

// decode undoes escapes and run lengths. The byte after } has its bit 5 flipped. The byte after *
// says how many more times the byte before comes, plus 29; 3 is the least and 97 the most.
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
				return nil, fmt.Errorf("packet %.40q has the run length %q", body, body[i-1:i+1])
			}
			if len(data)+count > MaxPacket {
				return nil, errTooLong
			}
			data = append(data, bytes.Repeat(data[len(data)-1:], count)...)
		default:
			data = append(data, b)
		}
	}
	return data, nil
}

// Part reads an answer to qXfer or qfThreadInfo, which come in parts, that is not [Refused]. It
// returns the part, and whether it is the last.
func Part(answer []byte) (part []byte, last bool, err error) {
	if len(answer) > 0 && (answer[0] == 'm' || answer[0] == 'l') {
		return answer[1:], answer[0] == 'l', nil
	}
	return nil, false, fmt.Errorf("%.40q is no part of a list", answer)
}

// Refused is the error that an answer stands for, nil if it is no refusal. A refusal is empty (the
// server does not know the request), or E and two hexadecimal digits, or E. and words. lldb-server
// adds a semicolon and words in hexadecimal to the digits.
func Refused(answer []byte) error {
	if len(answer) == 0 {
		return errors.New("it does not know this request")
	}
	if words, ok := bytes.CutPrefix(answer, []byte("E.")); ok {
		return fmt.Errorf("it answers %.200q", words)
	}
	code, text, hasText := bytes.Cut(answer, []byte{';'})
	if len(code) != 3 || code[0] != 'E' || !isHex(code[1:]) {
		return nil
	}
	if !hasText {
		return fmt.Errorf("it answers %s", code)
	}
	words, err := unhex(string(text))
	if err != nil || words == "" {
		return nil
	}
	return fmt.Errorf("it answers %.200q", words)
}

func isHex(digits []byte) bool {
	_, err := unhex(string(digits))
	return err == nil
}
