package judge

import (
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"gotest.tools/v3/assert"
)

func TestWordsReadAsSentences(t *testing.T) {
	for _, c := range []struct{ word, want string }{
		{"100/102: clone 999", "task 102 of process 100 created thread 999"},
		{"100/0: clone 999", "a task of process 100 created thread 999"},
		{"100: fork 200", "task 100 created process 200"},
		{"100: vfork 200", "task 100 created process 200 by vfork"},
		{"100: vforkdone", "task 100 went on after its vfork"},
		{"100/101: attach", "task 101 of process 100 was attached to"},
		{"100: ready", "process 100 was ready"},
		{"100: exec", "process 100 executed a program"},
		{"100: exec from 101", "process 100 executed a program by its task 101"},
		{"100/101: exit 3", "task 101 of process 100 ended with status 3"},
		{"100: exit ?", "task 100 ended"},
		{"100: killed SIGKILL", "task 100 was killed by SIGKILL"},
		{"100: end 3", "process 100 ended with status 3"},
		{"100/0: end 3", "process 100 ended with status 3"},
		{"0/101: signal SIGUSR1", "task 101 got SIGUSR1"},
	} {
		word, err := event.ParseText(c.word)
		assert.NilError(t, err)
		assert.Equal(t, sentence(word.Event), c.want, c.word)
	}
	assert.Equal(t, sentence(event.Event{Kind: event.Clone, Child: 7}), "a task created thread 7")
	assert.Assert(t, sentence(event.Event{TID: 7}) != "", "an event of no kind")
	assert.Equal(t, Sentence(event.Event{Kind: event.Exit, TID: 7}), "task 7 ended with status 0")
}
