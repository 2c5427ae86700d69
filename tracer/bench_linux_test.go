//go:build amd64 || arm64

package tracer_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/tracer"
)

// A comparison is of two measurements, which are taken in turn: so the machine's load is the same
// for both.
type comparison struct {
	what       string
	one, other string // what was measured
	unit       string
	bar        float64 // what the ratio of their medians may be; zero if there is none
}

func (c comparison) run(b *testing.B, one, other func() float64) {
	var ones, others []float64
	for b.Loop() {
		ones, others = append(ones, one()), append(others, other())
	}
	ratio := median(ones) / median(others)
	b.ReportMetric(0, "ns/op") // it has no meaning here, and zero is not shown
	b.ReportMetric(ratio, "ratio")
	b.Logf("%s: %s %.4g %s, %s %.4g %s, ratio %.2f, %s", c.what, c.one, median(ones), c.unit,
		c.other, median(others), c.unit, ratio, against(ratio, c.bar))
}

// against tells whether a measurement is within its bar.
func against(got, bar float64) string {
	if bar == 0 {
		return "no bar"
	}
	if got > bar {
		return fmt.Sprintf("OVER the bar of %g", bar)
	}
	return fmt.Sprintf("within the bar of %g", bar)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// BenchmarkSequence makes 20,000 threads, each joined before the next.
func BenchmarkSequence(b *testing.B) {
	const n, what = "20000", "create and join 20,000 threads"
	ours := func() { trace(b, command(b, "sequence", n)) }
	plain := func() { cLoop(b, "sequence", n) }
	b.Run("Tracer", func(b *testing.B) {
		c := comparison{what, "tracer", "C loop", "s", 1.15}
		c.run(b, timed(ours), timed(plain))
	})
	for _, format := range []string{"text", "json"} {
		b.Run("Command/"+format, func(b *testing.B) {
			args := []string{
				"trace", "--json=" + strconv.FormatBool(format == "json"),
				"--output", filepath.Join(b.TempDir(), "trace"),
				"--", pathOf(b, "sequence"), n,
			}
			c := comparison{what, "tidcheck trace, " + format, "C loop", "s", 1.5}
			c.run(b, timed(func() { finish(b, tidcheck(b, args...)) }), timed(plain))
		})
	}
	b.Run("Growth", func(b *testing.B) {
		const what = "a thread, created and joined one by one"
		c := comparison{what, "of 200,000", "of 2,000", "µs", 1.2}
		c.run(b, birth(b, 0, 200000), birth(b, 0, 2000))
	})
}

// BenchmarkCrowd has many threads alive at once. At 30,000 kernel.pid_max binds, which is 32,768 on
// many machines, less what else runs.
func BenchmarkCrowd(b *testing.B) {
	for _, n := range []string{"1000", "10000", "30000"} {
		b.Run(n, func(b *testing.B) {
			bar := map[string]float64{"10000": 1}[n]
			c := comparison{n + " threads, all alive at once", "tracer", "C loop", "s", bar}
			c.run(b, timed(func() { trace(b, command(b, "crowd", n, "0")) }),
				timed(func() { cLoop(b, "crowd", n, "0") }))
		})
	}
	const what = "a thread, created and joined"
	b.Run("Growth", func(b *testing.B) {
		c := comparison{what, "beside 10,000 alive", "beside 100 alive", "µs", 3}
		c.run(b, birth(b, 10000, 5000), birth(b, 100, 5000))
	})
	b.Run("GrowthTo30000", func(b *testing.B) {
		c := comparison{what, "beside 30,000 alive", "beside 100 alive", "µs", 0}
		c.run(b, birth(b, 30000, 1000), birth(b, 100, 1000))
	})
}

// cLoop follows a program to its end with the C loop.
func cLoop(b *testing.B, program string, args ...string) {
	args = append([]string{"msg", "exit", pathOf(b, program)}, args...)
	finish(b, command(b, "loop", args...))
}

// BenchmarkAttach attaches to parked threads and detaches.
func BenchmarkAttach(b *testing.B) {
	half, whole := park(b, 10000), park(b, 20000)
	ours := func(pid int) func() {
		return func() {
			t, err := tracer.Attach(pid, tracer.Options{})
			if err == nil {
				err = t.Detach()
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("C", func(b *testing.B) {
		c := comparison{"attach to 10,000 threads and detach", "tracer", "C program", "s", 1.3}
		plain := func() { finish(b, command(b, "attach", strconv.Itoa(half))) }
		c.run(b, timed(ours(half)), timed(plain))
	})
	b.Run("Growth", func(b *testing.B) {
		c := comparison{"attach and detach", "20,000 threads", "10,000", "s", 2.2}
		c.run(b, timed(ours(whole)), timed(ours(half)))
	})
}

func timed(f func()) func() float64 {
	return func() float64 {
		begin := time.Now()
		f()
		return time.Since(begin).Seconds()
	}
}

// birth measures what a thread costs a traced program that has others parked: the mean of n, in
// microseconds, as the program itself prints it.
func birth(b *testing.B, parked, n int) func() float64 {
	return func() float64 {
		cmd := command(b, "crowd", strconv.Itoa(parked), strconv.Itoa(n))
		var said strings.Builder
		cmd.Stdout = &said
		trace(b, cmd)
		cost, err := strconv.ParseFloat(strings.TrimSpace(said.String()), 64)
		if err != nil {
			b.Fatal(err)
		}
		return cost / 1000
	}
}

// park starts a program with parked threads, which lives until the benchmark's end.
func park(b *testing.B, n int) (pid int) {
	cmd := command(b, "crowd", strconv.Itoa(n), "0")
	input, output := pipes(b, cmd)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		input.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	awaitLine(b, output)
	return cmd.Process.Pid
}

func pipes(b *testing.B, cmd *exec.Cmd) (io.Closer, io.Reader) {
	input, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	return input, output
}

func awaitLine(b *testing.B, output io.Reader) {
	if _, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		b.Fatal(err)
	}
}

// trace launches a program, and follows it to its end with the default options.
func trace(b *testing.B, cmd *exec.Cmd) {
	t, err := tracer.Launch(cmd, tracer.Options{})
	if err == nil {
		err = t.Resume()
	}
	if err != nil {
		b.Fatal(err)
	}
	if status, err := t.Wait(); err != nil || status.String() != "0" {
		b.Fatal(status, err)
	}
}

func finish(b *testing.B, cmd *exec.Cmd) {
	if err := cmd.Run(); err != nil {
		b.Fatal(cmd, err)
	}
}

// tidcheck is our own command.
func tidcheck(b *testing.B, args ...string) *exec.Cmd {
	b.Helper()
	if err := commandBuilt(); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(built, "tidcheck"), args...)
	cmd.Stderr = os.Stderr
	return cmd
}

var commandBuilt = sync.OnceValue(func() error {
	said, err := exec.Command("go", "build", "-o", filepath.Join(built, "tidcheck"),
		"../cmd/tidcheck").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, said)
	}
	return nil
})
