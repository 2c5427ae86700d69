package judge

import (
	"testing"

	"gotest.tools/v3/assert"
)

func TestLabelsReplaceIds(t *testing.T) {
	truth, err := launched().newTruth(t)
	assert.NilError(t, err)
	for _, c := range []struct {
		line  string
		exact bool
		want  string
	}{
		{"process: 100, thread: 103", true, "process: main, thread: main/2/1"},
		{"process: 100, thread: 103", false, "process: main, thread: other"},
		{"process: 100, thread: 100", false, "process: main, thread: main"},
		{"thread: 999, SIGUSR1: 100", true, "thread: unknown, SIGUSR1: 100"},
		{"thread: 1000", true, "thread: unknown"},
		{"a thread of 100", true, "a thread of 100"},
		{"subprocess: 100", true, "subprocess: 100"},
		{"thread: 100: 100", true, "thread: main: 100"},
		{"", true, ""},
	} {
		assert.DeepEqual(t, labelLines([]string{c.line}, truth, c.exact), []string{c.want})
	}
}

func TestALineIsLabelledByTheLifeThatOwesIt(t *testing.T) {
	s := launched()
	reuse("100: clone 101")(s)
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	for owed, want := range map[string]string{
		"thread: main/3": "thread: main/3",
		"thread: main/1": "thread: main/1",
		"thread: main/2": "thread: main/3",
	} {
		assert.Equal(t, labelOwed("thread: 101", truth, true, map[string]int{owed: 1}), want)
	}
}

func TestARepeatedLineIsTheNextLifes(t *testing.T) {
	s := launched()
	reuse("100: clone 101")(s)
	truth, err := s.newTruth(t)
	assert.NilError(t, err)
	got := labelLines([]string{"thread: 101", "thread: 102", "thread: 101", "thread: 101"}, truth,
		true)
	want := []string{"thread: main/1", "thread: main/2", "thread: main/3", "thread: main/3"}
	assert.DeepEqual(t, got, want)
}
