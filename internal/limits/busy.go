package limits

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"
)

// Most is how many times its limit a context of WithTimeout may last.
const Most = 4

// WithTimeout is a context that ends with a cause when its limit has passed. A second counts in
// full where each task that is ready to run has a CPU, and on a busy machine as the share of a CPU
// that a task gets: what a run does in its time must not depend on what else is running. The
// context does not last longer than four times its limit.
func WithTimeout(
	ctx context.Context, limit time.Duration, cause error,
) (context.Context, context.CancelFunc) {
	return withTimeout(ctx, limit, cause, ready)
}

func withTimeout(
	ctx context.Context, limit time.Duration, cause error, ready func() int,
) (context.Context, context.CancelFunc) {
	ctx, release := context.WithTimeoutCause(ctx, Most*limit, cause)
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		looks := time.NewTicker(max(limit/50, time.Millisecond))
		defer looks.Stop()
		last := time.Now()
		for spent := 0.0; spent < float64(limit); {
			select {
			case <-ctx.Done():
				return
			case now := <-looks.C:
				spent += float64(now.Sub(last)) * share(ready(), runtime.NumCPU())
				last = now
			}
		}
		cancel(cause)
	}()
	return ctx, func() {
		cancel(nil)
		release()
	}
}

// share is how much of a CPU a task gets where so many are ready to run.
func share(ready, cpus int) float64 {
	if ready <= cpus {
		return 1
	}
	return float64(cpus) / float64(ready)
}

// ready counts the machine's tasks that run or are ready to, but for the one that asks. It is zero
// where the kernel does not say.
func ready() (n int) {
	var ago1, ago5, ago15 float64
	load, _ := os.ReadFile("/proc/loadavg") // an error leaves it empty
	fmt.Sscanf(string(load), "%f %f %f %d/", &ago1, &ago5, &ago15, &n)
	return max(0, n-1)
}
