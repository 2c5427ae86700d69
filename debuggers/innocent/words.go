package innocent

import (
	"math/rand/v2"
	"sync"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

// above makes ways of a wrapper of the sink.
func above(wrap func(next tell) tell) func() ways {
	return func() ways { return ways{sink: wrap} }
}

// A batch keeps words back, in their order, until it is told to give them.
type batch struct {
	mu   sync.Mutex
	kept []event.Event
	next tell
}

// ways gives what is kept after each request, and before a word that isLast.
func (b *batch) ways(keeps, isLast func(event.Event) bool) ways {
	sink := func(next tell) tell {
		b.next = next
		return func(e event.Event) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if isLast(e) {
				b.give()
			}
			if keeps(e) {
				b.kept = append(b.kept, e)
			} else {
				next(e)
			}
		}
	}
	return ways{sink: sink, done: func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.give()
	}}
}

func (b *batch) give() {
	for _, e := range b.kept {
		b.next(e)
	}
	b.kept = nil
}

// tellsInBatches keeps a birth back, and all that comes after it.
func tellsInBatches() ways {
	b := &batch{}
	return b.ways(
		func(e event.Event) bool { return len(b.kept) > 0 || e.Kind.IsBirth() },
		func(event.Event) bool { return false })
}

// tellsDeathsLate keeps the ends of threads back until the next event that needs them told: the end
// of a process, an exec, which ends threads itself, or a birth, which may use an id again.
func tellsDeathsLate() ways {
	return new(batch).ways(
		func(e event.Event) bool { return e.Kind == event.Exit },
		func(e event.Event) bool {
			return e.Kind == event.End || e.Kind == event.Exec || e.Kind.IsBirth()
		})
}

// with makes ways of ways and a kernel.
func with(of func() ways, kernel func(tracer.Kernel) tracer.Kernel) func() ways {
	return func() ways {
		w := of()
		w.options.Kernel = kernel
		return w
	}
}

// changes changes each word.
func changes(change func(*event.Event)) func(tell) tell {
	return func(next tell) tell {
		return func(e event.Event) {
			change(&e)
			next(e)
		}
	}
}

func withoutPID(e *event.Event)    { e.PID = 0 }
func withoutFormer(e *event.Event) { e.Former = 0 }
func withoutStatus(e *event.Event) { e.Status = event.Unknown }

func withoutCreator(e *event.Event) {
	if e.Kind.IsBirth() {
		e.TID = 0
	}
}

// saysNothing tells only that it is ready.
func saysNothing(next tell) tell {
	return func(e event.Event) {
		if e.Kind == event.Ready {
			next(e)
		}
	}
}

// shuffled lists in any order.
func shuffled[T any](list []T) []T {
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}
