package rsp

import (
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// All, as a process or a thread, is every one.
const All = -1

// A Thread is a thread's id. PID is zero where the server names no processes.
type Thread struct{ PID, TID int }

// ParseThread reads a thread's id: TID or pPID.TID, or pPID, which is all of its threads. Numbers are hexadecimal, and
// -1 is all.
func ParseThread(s string) (t Thread, err error) {
	pid, tid, both := strings.Cut(s, ".")
	digits, named := strings.CutPrefix(pid, "p")
	switch {
	case named && !both:
		t.TID = All
		t.PID, err = number(digits)
	case named:
		if t.PID, err = number(digits); err == nil {
			t.TID, err = number(tid)
		}
	case both:
		err = errNoNumber
	default:
		t.TID, err = number(pid)
	}
	if err != nil {
		return Thread{}, fmt.Errorf("%.40q is no thread's id", s)
	}
	return t, nil
}

var errNoNumber = errors.New("no number")

// number reads a process's or a thread's number, which the kernel keeps below 2^22 (PID_MAX_LIMIT).
func number(s string) (int, error) {
	if s == "-1" {
		return All, nil
	}
	n, err := strconv.ParseUint(s, 16, 31)
	return int(n), err
}

func (t Thread) String() string {
	if t.PID == 0 {
		return hexNumber(t.TID)
	}
	return "p" + hexNumber(t.PID) + "." + hexNumber(t.TID)
}

func hexNumber(n int) string { return strconv.FormatInt(int64(n), 16) }

// ParseThreads reads the list of threads that qXfer:threads:read gives.
func ParseThreads(text []byte) ([]Thread, error) {
	var list struct {
		XMLName xml.Name `xml:"threads"`
		Threads []struct {
			ID string `xml:"id,attr"`
		} `xml:"thread"`
	}
	if err := xml.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("its list of threads: %w", err)
	}
	threads := make([]Thread, len(list.Threads))
	for i, t := range list.Threads {
		var err error
		if threads[i], err = one(t.ID); err != nil {
			return nil, fmt.Errorf("its list of threads: %w", err)
		}
	}
	return threads, nil
}

// ParseIDs reads ids with commas between them, as qfThreadInfo gives them.
func ParseIDs(text string) ([]Thread, error) {
	if text == "" {
		return nil, nil
	}
	var threads []Thread
	for id := range strings.SplitSeq(text, ",") {
		t, err := one(id)
		if err != nil {
			return nil, err
		}
		threads = append(threads, t)
	}
	return threads, nil
}

// one reads the id of one thread that there is, which is neither all nor any.
func one(id string) (Thread, error) {
	t, err := ParseThread(id)
	if err == nil && (t.TID <= 0 || t.PID < 0) {
		err = fmt.Errorf("%.40q is no thread's id", id)
	}
	return t, err
}

// Hex is text in hexadecimal, as requests carry it.
func Hex(s string) string { return hex.EncodeToString([]byte(s)) }

func unhex(s string) (string, error) {
	text, err := hex.DecodeString(s)
	return string(text), err
}
