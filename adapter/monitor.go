package adapter

import (
	"context"
	"sync"
)

// A Monitor guards what an adapter knows of its debugger and of the program. Each Unlock may
// follow a change, and has each Await look again. The zero value is ready.
type Monitor struct {
	mu      sync.Mutex
	changed chan struct{} // closed at the next Unlock; nil while no call waits
}

// Lock is to be held while the guarded state is read or changed.
func (m *Monitor) Lock() { m.mu.Lock() }

// Unlock releases the lock and wakes each Await.
func (m *Monitor) Unlock() {
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
	m.mu.Unlock()
}

// Await waits until holds returns true. It calls holds with the lock held, at first and after each
// change. The error is the context's cause, or says how the peer ended, after whose end holds is
// asked once more. A nil peer never ends.
func (m *Monitor) Await(ctx context.Context, from Peer, holds func() bool) error {
	var over <-chan struct{}
	if from != nil {
		over = from.Over()
	}
	for ended := false; ; {
		m.mu.Lock()
		done := holds()
		if m.changed == nil {
			m.changed = make(chan struct{})
		}
		changed := m.changed
		m.mu.Unlock()
		switch {
		case done:
			return nil
		case ended:
			return from.Ended(ctx)
		}
		select {
		case <-changed:
		case <-over:
			ended = true
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
