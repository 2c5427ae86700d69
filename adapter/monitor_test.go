package adapter

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"
)

func TestAwaitLooksAgainAfterEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Monitor
		n, looks := 0, 0
		go func() {
			for range 3 {
				time.Sleep(time.Second) // sleep: by the bubble's clock, till the other has looked
				m.Lock()
				n++
				m.Unlock()
			}
		}()
		assert.NilError(t, m.Await(t.Context(), nil, func() bool {
			looks++
			return n == 3
		}))
		assert.Equal(t, looks, 4)
	})
}

func TestAwaitEndsWithThePeerAndTheContext(t *testing.T) {
	var m Monitor
	over := make(chan struct{})
	close(over)
	never := func() bool { return false }
	assert.ErrorIs(t, m.Await(t.Context(), fakePeer{over: over}, never), errGone)
	second := 0
	assert.NilError(t, m.Await(t.Context(), fakePeer{over: over}, func() bool {
		second++
		return second == 2
	}), "what was said before the end counts")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, m.Await(ctx, fakePeer{}, never), context.Canceled)
	assert.ErrorIs(t, m.Await(ctx, nil, never), context.Canceled)
	assert.NilError(t, m.Await(ctx, nil, func() bool { return true }))
}
