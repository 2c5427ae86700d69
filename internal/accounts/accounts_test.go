package accounts_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/accounts"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/witness"
	"gotest.tools/v3/assert"
)

var (
	errPerf      = errors.New("perf is off")
	errConnector = errors.New("no connector")
	records      = []witness.Record{{
		Event: event.Event{Kind: event.Exit, PID: 7, TID: 7}, At: 12,
	}}
)

type perf struct{ err error }

func (p perf) Close() ([]witness.Record, error) { return records, p.err }

type connector struct{ err error }

func (c connector) Close() ([]witness.Record, []witness.Tracing, error) {
	return records, []witness.Tracing{{PID: 7, TID: 7, Tracer: 9, At: 11}}, c.err
}

// openers give an account each, unless it is refused; lost is the error of its end.
func openers(noPerf, noConnector, perfLost, connectorLost error) accounts.Openers {
	return accounts.Openers{
		Perf: func(int) (accounts.Perf, error) { return perf{perfLost}, noPerf },
		Connector: func(int) (accounts.Connector, error) {
			return connector{connectorLost}, noConnector
		},
	}
}

func TestWhatIsThereIsNotedAndWhatIsNotHasItsReason(t *testing.T) {
	lost := &witness.LostError{N: 2, Connector: true}
	const gone = "proc connector: 2 records of the whole machine were lost: " +
		"the proc connector's socket was full (see net.core.rmem_max)"
	for _, c := range []struct {
		name            string
		openers         accounts.Openers
		source          judge.Source
		perf, connector int // records
		reason          string
		err             error
	}{
		{"both", openers(nil, nil, nil, nil), judge.PerfAndConnector, 1, 1, "", nil},
		{"perf", openers(nil, errConnector, nil, nil), judge.Perf, 1, 0, "no connector", nil},
		{
			"the connector", openers(errPerf, nil, nil, nil), judge.Connector, 0, 1,
			"perf is off", nil,
		},
		{
			"none", openers(errPerf, errConnector, nil, nil), judge.NoAccount, 0, 0,
			"perf is off; no connector", nil,
		},
		{
			"the connector loses beside perf", openers(nil, nil, nil, lost), judge.Perf, 1, 0,
			gone, nil,
		},
		{
			"the connector loses alone", openers(errPerf, nil, nil, lost), judge.Connector, 0, 0,
			"perf is off", lost,
		},
		{
			"perf loses", openers(nil, nil, errPerf, nil), judge.PerfAndConnector, 1, 1, "",
			errPerf,
		},
	} {
		var e judge.Account
		err := c.openers.Open(7).Close(&e, 10)
		assert.Equal(t, err, c.err, c.name)
		assert.Equal(t, e.Source, c.source, c.name)
		assert.Equal(t, e.Reason, c.reason, c.name)
		assert.Equal(t, len(e.Records), c.perf, c.name)
		assert.Equal(t, len(e.Connector), c.connector, c.name)
		for _, r := range append(e.Records, e.Connector...) {
			assert.Equal(t, r.At, time.Duration(2), c.name)
		}
		assert.Equal(t, len(e.Tracings), c.connector, c.name)
		for _, x := range e.Tracings {
			assert.Equal(t, x.At, time.Duration(1), c.name)
		}
	}
}

func TestALossOfWhatIsDiscardedIsNoError(t *testing.T) {
	lost := &witness.LostError{Connector: true}
	assert.NilError(t, openers(nil, nil, nil, lost).Open(7).Discard())
	err := openers(nil, nil, errPerf, errConnector).Open(7).Discard()
	assert.Assert(t, errors.Is(err, errPerf) && errors.Is(err, errConnector), "%v", err)
	assert.NilError(t, openers(errPerf, errConnector, nil, nil).Open(7).Discard())
}
