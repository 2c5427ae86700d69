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
	"github.com/tidcheck/tidcheck/adapter"
)

// headerSize is the most that the header of a message may have, in bytes.
const headerSize = 4096

// eachMessage reads messages to the end of the output. It gives those that the protocol defines to
// take.
func eachMessage(out io.Reader, take func(content []byte, m dap.Message) error) error {
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
			err = take(content, m)
		}
		if err != nil {
			return fmt.Errorf("message %d of its output: %w", n, err)
		}
	}
}

// readContent reads one message. Its error is io.EOF if the output ends between two.
func readContent(r *bufio.Reader) ([]byte, error) {
	size, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	content := make([]byte, size)
	_, err = io.ReadFull(r, content)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w within its %d bytes", errCut, size)
	}
	return content, err
}

// readHeader reads the lines before a message, and the empty line that ends them. The base protocol
// defines one field for them, Content-Length; others are passed over.
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
	if size > adapter.MaxLine {
		return 0, fmt.Errorf("it has %d bytes, and may have %d", size, adapter.MaxLine)
	}
	return size, nil
}

var (
	errTooLong = fmt.Errorf("its header is longer than %d bytes", headerSize)
	errCut     = errors.New("the output ends")
)

// decode reads the content of a message; nil is one of a kind that the protocol does not define,
// which a client is to pass over.
func decode(content []byte) (dap.Message, error) {
	m, err := dap.DecodeProtocolMessage(content)
	var unknown *dap.DecodeProtocolMessageFieldError
	switch {
	case !errors.As(err, &unknown):
	case unknown.SubType != "ProtocolMessage":
		return nil, nil
	case unknown.FieldValue != "":
		err = adapter.Unknown(unknown.FieldValue)
	}
	if err != nil {
		return nil, fmt.Errorf("%.200q: %w", content, err)
	}
	return m, nil
}
