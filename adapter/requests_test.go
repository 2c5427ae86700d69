package adapter

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// An echo is a peer that answers each request with twice its number.
type echo struct{ requests *Requests[int] }

func (e echo) Write(b []byte) (int, error) {
	var number int
	fmt.Sscan(string(b), &number)
	e.requests.Answer(number, 2*number)
	return len(b), nil
}

func (echo) Over() <-chan struct{}                    { return nil }
func (echo) Ended(context.Context) error              { return errGone }
func (echo) Scaled(limit time.Duration) time.Duration { return limit }

func number(n int) []byte { return fmt.Append(nil, n) }

func TestEachRequestHasItsAnswer(t *testing.T) {
	var requests Requests[int]
	for n := 1; n < 4; n++ {
		got, err := requests.Ask(t.Context(), echo{&requests}, number)
		assert.NilError(t, err)
		assert.Equal(t, got, 2*n)
	}
	first, second := requests.New(), requests.New()
	assert.Equal(t, requests.Open(), 2)
	assert.Assert(t, requests.Answer(second.Number, 7))
	assert.Assert(t, !requests.Answer(second.Number, 8), "it has its answer")
	assert.Assert(t, !requests.Answer(99, 8), "it was not asked")
	assert.Equal(t, requests.Open(), 1)
	got, err := second.Await(t.Context(), fakePeer{})
	assert.NilError(t, err)
	assert.Equal(t, got, 7)
	assert.Assert(t, requests.Answer(first.Number, 6))
}

func TestARequestWithoutAnAnswerSaysWhy(t *testing.T) {
	var requests Requests[int]
	over := make(chan struct{})
	close(over)
	gone := fakePeer{over: over}
	_, err := requests.Ask(t.Context(), gone, number)
	assert.ErrorIs(t, err, errGone)
	_, err = requests.New().Await(t.Context(), gone)
	assert.ErrorIs(t, err, errGone)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	answered := requests.New()
	_, err = answered.Await(ctx, fakePeer{})
	assert.ErrorIs(t, err, context.Canceled)
	requests.Answer(answered.Number, 5)
	got, err := answered.Await(t.Context(), gone)
	assert.NilError(t, err, "an answer counts though no more will come")
	assert.Equal(t, got, 5)
}
