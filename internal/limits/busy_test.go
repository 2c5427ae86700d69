package limits

import (
	"context"
	"errors"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

func TestASecondCountsAsTheShareOfACPUThatATaskGets(t *testing.T) {
	for _, c := range []struct {
		ready, cpus int
		want        float64
	}{{0, 2, 1}, {2, 2, 1}, {4, 2, 0.5}, {28, 2, 1.0 / 14}} {
		assert.Equal(t, share(c.ready, c.cpus), c.want)
	}
}

func TestALimitIsLongerOnABusyMachine(t *testing.T) {
	const limit = 100 * time.Millisecond
	cause := errors.New("the time is over")
	for _, c := range []struct {
		name  string
		ready int
		least time.Duration
	}{{"idle", 0, limit}, {"busy", 1 << 20, Most * limit}} {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Now()
			ctx, cancel := withTimeout(t.Context(), limit, cause, func() int { return c.ready })
			defer cancel()
			<-ctx.Done()
			assert.Assert(t, time.Since(begin) >= c.least)
			assert.Equal(t, context.Cause(ctx), cause)
		})
	}
}
