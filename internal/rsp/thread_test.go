package rsp

import (
	"fmt"
	"testing"

	"gotest.tools/v3/assert"
)

func TestThreadIDs(t *testing.T) {
	for s, want := range map[string]Thread{
		"p75cc.75cd": {0x75cc, 0x75cd}, "7f": {0, 0x7f}, "p0.7": {0, 7},
	} {
		got, err := parseThread(s)
		assert.NilError(t, err, s)
		assert.Equal(t, got, want, s)
	}
	for _, s := range []string{
		"", "p", "p.", "7.8", "p7.8.9", "-2", "p7.-2", "+7", "0x7", "7_0", "p7.80000000", "g",
		"p7", "p7.-1", "-1", "p-1.-1", "p-1.7", "0", "p7.0",
	} {
		_, err := parseThread(s)
		assert.Error(t, err, fmt.Sprintf("%q is no thread's id", s))
	}
	for want, id := range map[string]Thread{"p7.1f": {7, 0x1f}, "1f": {0, 0x1f}} {
		assert.Equal(t, id.String(), want)
	}
}

func TestListsOfThreads(t *testing.T) {
	got, err := ParseThreads([]byte(`<threads>
<thread id="p7.7" core="1" name="a&amp;b"/>
<thread id="p7.8" name="x">text</thread>
</threads>
`))
	assert.NilError(t, err)
	assert.DeepEqual(t, got, []Thread{{7, 7}, {7, 8}})
	got, err = ParseThreads([]byte("<threads></threads>"))
	assert.NilError(t, err)
	assert.DeepEqual(t, got, []Thread{})
	for text, want := range map[string]string{
		"":          "EOF",
		"<threads>": "XML syntax error on line 1: unexpected EOF",
		"<list/>":   "expected element type <threads> but have <list>",
		`<threads><thread id="p7.-8"/></threads>`:      `"p7.-8" is no thread's id`,
		`<threads><thread id="p7.-1"/></threads>`:      `"p7.-1" is no thread's id`,
		`<threads><thread name="main"/></threads>`:     `"" is no thread's id`,
		"<threads><thread id=\"p7.7\xff\"/></threads>": "XML syntax error on line 1: invalid UTF-8",
	} {
		_, err := ParseThreads([]byte(text))
		assert.Error(t, err, "its list of threads: "+want)
	}
	got, err = ParseIDs("p7.7,8,1f")
	assert.NilError(t, err)
	assert.DeepEqual(t, got, []Thread{{7, 7}, {0, 8}, {0, 0x1f}})
	got, err = ParseIDs("")
	assert.NilError(t, err)
	assert.Equal(t, len(got), 0)
	for _, text := range []string{",", "7,", "-1", "0", "7,x"} {
		_, err = ParseIDs(text)
		assert.ErrorContains(t, err, "is no thread's id", text)
	}
}

func FuzzParseThread(f *testing.F) {
	for _, seed := range []string{"p7.8", "-1", "p7", "1f", "p-1.-1", "0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := parseThread(s)
		if err != nil {
			return
		}
		again, err := parseThread(id.String())
		assert.NilError(t, err)
		assert.Equal(t, again, id)
	})
}

func FuzzParseThreads(f *testing.F) {
	f.Add([]byte(`<threads><thread id="p7.7"/></threads>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		threads, err := ParseThreads(text)
		for _, id := range threads {
			assert.Assert(t, err == nil && id.TID > 0 && id.PID >= 0)
		}
	})
}
