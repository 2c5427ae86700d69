package rsp

import (
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// A Thread is a thread's id. PID is zero if the server names no processes.
type Thread struct{ PID, TID int }

func (t Thread) String() string {
	if t.PID == 0 {
		return fmt.Sprintf("%x", t.TID)
	}
	return fmt.Sprintf("p%x.%x", t.PID, t.TID)
}

// ParseThreads reads the list of threads that qXfer:threads:read returns, in XML.
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
		if threads[i], err = parseThread(t.ID); err != nil {
			return nil, fmt.Errorf("its list of threads: %w", err)
		}
	}
	return threads, nil
}

// ParseIDs reads threads' ids with commas between them, as qfThreadInfo returns them.
func ParseIDs(text string) ([]Thread, error) {
	if text == "" {
		return nil, nil
	}
	var threads []Thread
	for id := range strings.SplitSeq(text, ",") {
		t, err := parseThread(id)
		if err != nil {
			return nil, err
		}
		threads = append(threads, t)
	}
	return threads, nil
}

// parseThread reads the id of one thread, TID or pPID.TID. The ids of all threads (-1, and pPID
// alone) and of any thread (0) are refused.
func parseThread(id string) (t Thread, err error) {
	tid := id
	if ids, ok := strings.CutPrefix(id, "p"); ok {
		var pid string
		pid, tid, _ = strings.Cut(ids, ".")
		t.PID, err = parseNumber(pid)
	}
	if err == nil {
		t.TID, err = parseNumber(tid)
	}
	if err != nil || t.TID == 0 {
		return Thread{}, fmt.Errorf("%.40q is no thread's id", id)
	}
	return t, nil
}

// parseNumber reads the id of a process or a thread, in hexadecimal. The kernel's are below 2^22
// (PID_MAX_LIMIT).
func parseNumber(s string) (int, error) {
	n, err := strconv.ParseUint(s, 16, 31)
	return int(n), err
}

func unhex(s string) (string, error) {
	text, err := hex.DecodeString(s)
	return string(text), err
}
