//go:build !linux

package witness

import (
	"errors"
	"fmt"
	"time"
)

// A Witness is an account that goes on. There is none without Linux.
type Witness struct{}

// Open fails with [errors.ErrUnsupported].
func Open(pid int) (*Witness, error) {
	return nil, fmt.Errorf("process %d: perf_event_open: %w", pid, errors.ErrUnsupported)
}

// Close fails with [errors.ErrUnsupported].
func (w *Witness) Close() ([]Record, error) { return nil, errors.ErrUnsupported }

// A Connector is an account that goes on. There is none without Linux.
type Connector struct{}

// Connect fails with [errors.ErrUnsupported].
func Connect(pid int) (*Connector, error) {
	return nil, fmt.Errorf("process %d: proc connector: %w", pid, errors.ErrUnsupported)
}

// Close fails with [errors.ErrUnsupported].
func (c *Connector) Close() ([]Record, []Tracing, error) { return nil, nil, errors.ErrUnsupported }

// Now is zero.
func Now() time.Duration { return 0 }
