package adapter

import (
	"context"
	"sync"
)

// Requests numbers the requests to a debugger, and hands each its answer, which is an A. The zero
// value is ready.
type Requests[A any] struct {
	mu   sync.Mutex
	last int
	open map[int]*Request[A]
}

// A Request was given its number, and waits for its answer.
type Request[A any] struct {
	Number int
	answer chan A // has room for one
}

// New is the next request; the first has the number 1.
func (r *Requests[A]) New() *Request[A] {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	request := &Request[A]{r.last, make(chan A, 1)}
	if r.open == nil {
		r.open = make(map[int]*Request[A])
	}
	r.open[r.last] = request
	return request
}

// Answer gives a request its answer. It returns false if no request of that number waits for one.
func (r *Requests[A]) Answer(number int, answer A) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	request, ok := r.open[number]
	if ok {
		delete(r.open, number)
		request.answer <- answer
	}
	return ok
}

// Open is how many requests have no answer.
func (r *Requests[A]) Open() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// Ask writes the text of a request, which depends on its number, and waits for the answer. The
// error says why there is none; see [Send] and [Receive].
func (r *Requests[A]) Ask(ctx context.Context, to Peer, text func(number int) []byte) (A, error) {
	request := r.New()
	if err := Send(ctx, to, text(request.Number)); err != nil {
		var none A
		return none, err
	}
	return request.Await(ctx, to)
}

// Await waits for the answer. The error says why there is none; see [Receive].
func (q *Request[A]) Await(ctx context.Context, from Peer) (A, error) {
	return Receive(ctx, from, q.answer)
}
