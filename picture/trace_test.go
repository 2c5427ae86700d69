package picture_test

import (
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/picture"
	"gotest.tools/v3/assert"
)

// record records a trace, an event a millisecond.
func record(t *testing.T, events ...event.Event) *picture.Picture {
	t.Helper()
	var r picture.Recording
	family := &event.Family{Forgetful: true}
	at := time.Unix(1000, 0)
	for _, e := range events {
		e.Time = at
		at = at.Add(time.Millisecond)
		l, err := family.Add(e)
		assert.NilError(t, err)
		r.Add(l)
	}
	assert.NilError(t, r.Picture().Check())
	return r.Picture()
}

func TestARecordingHasTheTasksOfATrace(t *testing.T) {
	p := record(t,
		event.Event{Kind: event.Ready, PID: 7, TID: 7},
		event.Event{Kind: event.Clone, PID: 7, TID: 7, Child: 8},
		event.Event{Kind: event.Fork, PID: 7, TID: 8, Child: 9},
		event.Event{Kind: event.Exit, PID: 7, TID: 7},
		event.Event{Kind: event.Exec, PID: 7, TID: 7, Former: 8},
		event.Event{Kind: event.Exit, PID: 7, TID: 7, Status: event.Exited(3)},
	)
	const ms = time.Millisecond
	assert.DeepEqual(t, p.Tasks, []picture.Task{
		{Path: "main", TID: 7, PID: 7, Kind: picture.First, Creator: -1, Ended: 3 * ms},
		{
			Path: "main/1", TID: 8, Later: 7, PID: 7, Kind: picture.Thread, Number: 1, Born: ms,
			Ended: 5 * ms,
		},
		{
			Path: "main/1/1", TID: 9, PID: 9, Kind: picture.Process, Number: 2, Creator: 1,
			Born: 2 * ms, Ended: -1,
		},
	})
	assert.Equal(t, len(p.Marks), 6)
	assert.Equal(t, p.Marks[5].Label, "3")
}

func TestARecordingIsBounded(t *testing.T) {
	events := []event.Event{{Kind: event.Ready, PID: 1, TID: 1}}
	for tid := event.TID(2); tid < 5000; tid++ {
		events = append(events, event.Event{Kind: event.Clone, PID: 1, TID: 1, Child: tid})
	}
	for tid := event.TID(2); tid < 5000; tid++ {
		events = append(events, event.Event{Kind: event.Exit, PID: 1, TID: tid})
	}
	p := record(t, events...)
	assert.Equal(t, len(p.Tasks), 200)
	assert.Equal(t, p.Folded, picture.Folded{Tasks: 4799, Marks: 2 * 4799})
}
