// Package accounts has the kernel's own accounts of one run, by perf and by the proc connector: it
// opens those that can be had, and notes in the run's evidence what they told.
package accounts

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/witness"
)

// A Perf is an account by perf, under way.
type Perf interface {
	Close() ([]witness.Record, error)
}

// A Connector is an account by the proc connector, under way.
type Connector interface {
	Close() ([]witness.Record, []witness.Tracing, error)
}

// Openers start the accounts of a process that has one thread and no children. An error says that
// the kernel refuses one.
type Openers struct {
	Perf      func(pid int) (Perf, error)
	Connector func(pid int) (Connector, error)
}

// Kernel are the kernel's openers.
func Kernel() Openers {
	return Openers{
		func(pid int) (Perf, error) { return witness.Open(pid) },
		func(pid int) (Connector, error) { return witness.Connect(pid) },
	}
}

// Accounts are those of one run. They go on until Close.
type Accounts struct {
	perf      Perf // nil if it is refused
	connector Connector
	// Refused says why, of each source that is not there.
	Refused map[judge.Source]string
}

// Open starts the accounts of a process that can be had.
func (o Openers) Open(pid int) *Accounts {
	a := &Accounts{Refused: make(map[judge.Source]string)}
	if perf, err := o.Perf(pid); err != nil {
		a.Refused[judge.Perf] = err.Error()
	} else {
		a.perf = perf
	}
	if connector, err := o.Connector(pid); err != nil {
		a.Refused[judge.Connector] = err.Error()
	} else {
		a.connector = connector
	}
	return a
}

// Source names the accounts that are there.
func (a *Accounts) Source() judge.Source {
	switch {
	case a.perf != nil && a.connector != nil:
		return judge.PerfAndConnector
	case a.perf != nil:
		return judge.Perf
	case a.connector != nil:
		return judge.Connector
	}
	return judge.NoAccount
}

// Why says why accounts are not there, empty if all are.
func (a *Accounts) Why() string {
	perf, connector := a.Refused[judge.Perf], a.Refused[judge.Connector]
	if perf != "" && connector != "" {
		return perf + "; " + connector
	}
	return perf + connector
}

// Close ends the accounts and notes them, with times that count from the run's beginning. The error
// says that the run has no complete account. Perf's is complete without the connector's: what this
// loses beside perf is noted as the reason why it is not there.
func (a *Accounts) Close(e *judge.Account, begun time.Duration) (err error) {
	if a.perf != nil {
		var records []witness.Record
		records, err = a.perf.Close()
		e.Records = Since(begun, records)
	}
	if a.connector != nil {
		records, tracings, lost := a.connector.Close()
		switch {
		case lost == nil:
			e.Connector = Since(begun, records)
			for _, t := range tracings {
				t.At -= begun
				e.Tracings = append(e.Tracings, judge.Tracing(t))
			}
		case a.perf == nil:
			err = lost
		default:
			a.connector = nil
			a.Refused[judge.Connector] = fmt.Sprintf("proc connector: %v", lost)
		}
	}
	e.Source, e.Reason = a.Source(), a.Why()
	return err
}

// Discard ends the accounts of a run that came to nothing.
func (a *Accounts) Discard() error {
	var errs []error
	if a.perf != nil {
		_, err := a.perf.Close()
		errs = append(errs, err)
	}
	if a.connector != nil {
		_, _, err := a.connector.Close()
		if !errors.As(err, new(*witness.LostError)) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Since are records of the kernel's with times that count from a run's beginning.
func Since(begun time.Duration, records []witness.Record) []judge.Record {
	since := make([]judge.Record, len(records))
	for i, r := range records {
		since[i] = judge.Record{Event: r.Event, At: r.At - begun}
	}
	return since
}
