package dap

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/go-dap"
	"github.com/tidcheck/tidcheck/harness"
)

// headerSize is the most that the header of a message may have, in bytes.
const headerSize = 4096

// eachMessage reads messages to the end of the output, and gives those that have a meaning to take.
func eachMessage(out io.Reader, take func(dap.Message) error) error {
	r := bufio.NewReaderSize(out, headerSize)
	for n := 1; ; n++ {
		content, err := readContent(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		var m dap.Message
		if err == nil {
			m, err = decode(content)
		}
		if err == nil && m != nil {
			err = take(m)
		}
		if err != nil {
			return fmt.Errorf("message %d of its output: %w", n, err)
		}
	}
}

// readContent reads one message. It is io.EOF where the output ends between two.
func readContent(r *bufio.Reader) ([]byte, error) {
	size, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	content := make([]byte, size)
	if _, err := io.ReadFull(r, content); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w within its %d bytes", errCut, size)
	} else if err != nil {
		return nil, err
	}
	return content, nil
}

// readHeader reads the lines before a message and the empty one that ends them. Of the fields there the base protocol
// defines one, Content-Length; others are passed over.
func readHeader(r *bufio.Reader) (size int, err error) {
	size = -1
	for read := 0; ; {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0 && read == 0:
			return 0, io.EOF
		case errors.Is(err, io.EOF):
			return 0, fmt.Errorf("%w within its header", errCut)
		case errors.Is(err, bufio.ErrBufferFull):
			return 0, errTooLong
		case err != nil:
			return 0, err
		}
		if read += len(line); read > headerSize {
			return 0, errTooLong
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			break
		}
		name, value, ok := strings.Cut(text, ":")
		if !ok || !utf8.ValidString(text) {
			return 0, fmt.Errorf("%.80q is no header", text)
		}
		if strings.EqualFold(name, "Content-Length") {
			if size, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || size < 0 {
				return 0, fmt.Errorf("%.80q names no length", text)
			}
		}
	}
	if size < 0 {
		return 0, errors.New("its header names no length")
	}
	if size > harness.MaxLine {
		return 0, fmt.Errorf("it has %d bytes, and may have %d", size, harness.MaxLine)
	}
	return size, nil
}

var (
	errTooLong = fmt.Errorf("its header is longer than %d bytes", headerSize)
	errCut     = errors.New("the output ends")
)

// decode reads the content of a message; nil is one of a kind that the protocol does not define, which a client is
// to pass over.
func decode(content []byte) (dap.Message, error) {
	m, err := dap.DecodeProtocolMessage(content)
	if unknown := (*dap.DecodeProtocolMessageFieldError)(nil); errors.As(err, &unknown) && unknown.SubType != "ProtocolMessage" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%.200q: %w", content, err)
	}
	return m, nil
}
