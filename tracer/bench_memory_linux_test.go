//go:build amd64 || arm64

package tracer_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/tracer"
	"golang.org/x/sys/unix"
)

// BenchmarkMemory measures what a living thread and a kept event need, in bytes.
func BenchmarkMemory(b *testing.B) {
	const living = 10000
	bytes := func(name, what string, bar float64, measure func(*testing.B) float64) {
		b.Run(name, func(b *testing.B) {
			var all []float64
			for b.Loop() {
				all = append(all, measure(b))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(all), "bytes")
			b.Logf("%s: %.0f bytes, %s", what, median(all), against(median(all), bar))
		})
	}
	bytes("Tracer", "a living thread in the tracer's heap", 300, func(b *testing.B) float64 {
		return perThread(b, living)
	})
	bytes("Command", "a living thread in tidcheck trace, resident", 300,
		func(b *testing.B) float64 {
			return float64(resident(b, living)-resident(b, 100)) / (living - 100)
		})
	bytes("Trace", "an event in a Trace of a million", 150, func(*testing.B) float64 {
		var trace event.Trace
		return perEvent(&trace, func(e event.Event) { trace = append(trace, e) })
	})
	bytes("Log", "an event in a Log of a million", 150, func(*testing.B) float64 {
		var log harness.Log
		return perEvent(&log, log.Add)
	})
}

// perThread is by how many bytes a thread a tracer's heap grows while n are born and parked.
func perThread(b *testing.B, n int) float64 {
	cmd := command(b, "crowd", strconv.Itoa(n), "0")
	input, output := pipes(b, cmd)
	t, err := tracer.Launch(cmd, tracer.Options{})
	if err != nil {
		b.Fatal(err)
	}
	before := heap()
	if err := t.Resume(); err != nil {
		b.Fatal(err)
	}
	awaitLine(b, output)
	grown := heap() - before
	input.Close()
	if _, err := t.Wait(); err != nil {
		b.Fatal(err)
	}
	return float64(grown) / float64(n)
}

// resident is how much memory the command needs to trace n threads, all alive, in bytes.
func resident(b *testing.B, n int) int64 {
	cmd := tidcheck(b, "trace", "--output", "/dev/null", "--",
		command(b, "crowd", strconv.Itoa(n), "0").Path, strconv.Itoa(n), "0")
	input, output := pipes(b, cmd)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	awaitLine(b, output)
	pages := residentPages(b, cmd.Process.Pid)
	input.Close()
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	return pages * int64(unix.Getpagesize())
}

func residentPages(b *testing.B, pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return pages
}

func perEvent(holder any, add func(event.Event)) float64 {
	const n = 1000000
	before := heap()
	for range n {
		add(event.Event{Kind: event.Clone, PID: 1, TID: 1, Child: 2})
	}
	grown := heap() - before
	runtime.KeepAlive(holder)
	return float64(grown) / n
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
