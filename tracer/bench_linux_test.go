//go:build amd64 || arm64

package tracer_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/tracer"
)

// BenchmarkClone creates and joins threads one by one, untraced and traced in turn, and reports the
// medians per thread and their ratio: the machine's mood is the same for both.
func BenchmarkClone(b *testing.B) {
	const threads = 20000
	var free, traced []float64
	for b.Loop() {
		begin := time.Now()
		if err := command(b, "sequence", strconv.Itoa(threads)).Run(); err != nil {
			b.Fatal(err)
		}
		free = append(free, perThread(begin, threads))
		begin = time.Now()
		t, err := tracer.Launch(command(b, "sequence", strconv.Itoa(threads)), tracer.Options{})
		if err == nil {
			err = t.Resume()
		}
		if err != nil {
			b.Fatal(err)
		}
		if _, err := t.Wait(); err != nil {
			b.Fatal(err)
		}
		traced = append(traced, perThread(begin, threads))
	}
	b.ReportMetric(median(free), "untraced-µs/thread")
	b.ReportMetric(median(traced), "traced-µs/thread")
	b.ReportMetric(median(traced)/median(free), "ratio")
}

func perThread(begin time.Time, n int) float64 {
	return float64(time.Since(begin).Microseconds()) / float64(n)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
