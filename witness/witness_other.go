//go:build !linux

package witness

import (
	"errors"
	"fmt"
	"time"
)

// A Witness is an account under way. There is none without Linux.
type Witness struct{}

// Open fails with [errors.ErrUnsupported].
func Open(pid int) (*Witness, error) {
	return nil, fmt.Errorf("process %d: perf_event_open: %w", pid, errors.ErrUnsupported)
}

// Close fails with [errors.ErrUnsupported].
func (w *Witness) Close() ([]Record, error) { return nil, errors.ErrUnsupported }

// Now is zero.
func Now() time.Duration { return 0 }
