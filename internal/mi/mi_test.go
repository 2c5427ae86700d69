package mi_test

import (
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/internal/mi"
	"gotest.tools/v3/assert"
)

func text(name, value string) mi.Field { return mi.Field{Name: name, Value: mi.Value{Text: value}} }

func fields(name string, all ...mi.Field) mi.Field {
	return mi.Field{Name: name, Value: mi.Value{Fields: all}}
}

func TestLinesAreRead(t *testing.T) {
	for _, c := range []struct {
		line string
		want mi.Record
	}{
		{`(gdb) `, mi.Record{Kind: mi.Prompt, Token: -1}},
		{`^done`, mi.Record{Kind: mi.Result, Token: -1, Class: "done"}},
		{"12^running\r", mi.Record{Kind: mi.Result, Token: 12, Class: "running"}},
		{`3^error,msg="No \"symbol\"."`, mi.Record{Kind: mi.Result, Token: 3, Class: "error", Tuple: mi.Tuple{text("msg", `No "symbol".`)}}},
		{`=thread-created,id="2",group-id="i1"`, mi.Record{Kind: mi.Notify, Token: -1, Class: "thread-created", Tuple: mi.Tuple{text("id", "2"), text("group-id", "i1")}}},
		{`*stopped,reason="exited",exit-code="07"`, mi.Record{Kind: mi.Exec, Token: -1, Class: "stopped", Tuple: mi.Tuple{text("reason", "exited"), text("exit-code", "07")}}},
		{`*stopped,frame={addr="0x1",args=[]},stopped-threads=["1","2"]`, mi.Record{Kind: mi.Exec, Token: -1, Class: "stopped", Tuple: mi.Tuple{
			fields("frame", text("addr", "0x1"), fields("args")), fields("stopped-threads", text("", "1"), text("", "2")),
		}}},
		{`^done,bkpt={number="1"},{number="1.1"}`, mi.Record{Kind: mi.Result, Token: -1, Class: "done", Tuple: mi.Tuple{
			fields("bkpt", text("number", "1")), fields("", text("number", "1.1")),
		}}},
		{`+download,total-size="9"`, mi.Record{Kind: mi.Status, Token: -1, Class: "download", Tuple: mi.Tuple{text("total-size", "9")}}},
		{`~"[New LWP 5]\n"`, mi.Record{Kind: mi.Console, Token: -1, Text: "[New LWP 5]\n"}},
		{`&"a\tb\\\"\033\377\342\202\254"`, mi.Record{Kind: mi.Log, Token: -1, Text: "a\tb\\\"\x1b\xff€"}},
		{"@\"\xff\"", mi.Record{Kind: mi.Target, Token: -1, Text: "\xff"}},
		{``, mi.Record{Token: -1}},
		{`4711`, mi.Record{Token: -1, Text: "4711"}},
		{`7~"x"`, mi.Record{Token: -1, Text: `7~"x"`}},
		{`(gdb)x`, mi.Record{Token: -1, Text: `(gdb)x`}},
		{"hello \xff", mi.Record{Token: -1, Text: "hello \xff"}},
	} {
		got, err := mi.Parse([]byte(c.line))
		assert.Check(t, err, "%s", c.line)
		assert.Check(t, assertEqual(got, c.want), "%s: got %+v, want %+v", c.line, got, c.want)
	}
}

func assertEqual(got, want mi.Record) bool {
	return got.Kind == want.Kind && got.Token == want.Token && got.Class == want.Class && got.Text == want.Text && sameTuple(got.Tuple, want.Tuple)
}

func sameTuple(got, want mi.Tuple) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i].Name != want[i].Name || got[i].Value.Text != want[i].Value.Text || !sameTuple(got[i].Value.Fields, want[i].Value.Fields) {
			return false
		}
	}
	return true
}

func TestWhatIsNoRecordIsRefused(t *testing.T) {
	for line, want := range map[string]string{
		`^`:                                      "a name is missing",
		`^done,`:                                 "a name is missing",
		`^done,a`:                                "a has no value",
		`^done,a=`:                               "a value is missing",
		`^done,a=b`:                              "a value is missing",
		`^done,a="b`:                             "a text has no end",
		`^done,a="b\`:                            "is no escape",
		`^done,a="\x"`:                           "is no escape",
		`^done,a="\777"`:                         "value out of range",
		`^done a`:                                "the line goes on",
		`^done,a={b="c"`:                         "a , or } is missing",
		`^done,a=["c"}`:                          "a , or ] is missing",
		`~"half a mess`:                          "a text has no end",
		`~half`:                                  `a " is missing`,
		`~"x"y`:                                  "the line goes on",
		`99999999999^done`:                       "the token of",
		`^done,a=` + strings.Repeat("[", 100000): "nested more than 64 deep",
	} {
		_, err := mi.Parse([]byte(line))
		assert.Check(t, err != nil && strings.Contains(err.Error(), want), "%.40s: got %v, want %s", line, err, want)
		assert.Check(t, err == nil || len(err.Error()) < 700, "%.40s: the message has %d bytes", line, len(err.Error()))
	}
}

func TestFieldsAreFound(t *testing.T) {
	r, err := mi.Parse([]byte(`^done,a="1",b={c="2"},a="3"`))
	assert.NilError(t, err)
	assert.Equal(t, r.Tuple.Text("a"), "1")
	assert.Equal(t, r.Tuple.Get("b").Fields.Text("c"), "2")
	assert.Equal(t, r.Tuple.Text("none"), "")
	assert.Assert(t, r.Tuple.Has("b") && !r.Tuple.Has("c"))
}

func TestCommandsAreQuoted(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "7-x\n"},
		{[]string{"--all", "4711"}, "7-x --all 4711\n"},
		{[]string{"handle all nostop", ""}, "7-x \"handle all nostop\" \"\"\n"},
		{[]string{"a\"b\\c\n\xff'"}, "7-x \"a\\\"b\\\\c\\012\\377'\"\n"},
	} {
		assert.Equal(t, string(mi.Command(7, "-x", c.args...)), c.want)
	}
}

// What gdb is sent in quotes it reads as it would write it.
func FuzzCommand(f *testing.F) {
	f.Add("a b")
	f.Add("\"\\\x00\xff")
	f.Fuzz(func(t *testing.T, arg string) {
		line := string(mi.Command(1, "-x", " "+arg))
		r, err := mi.Parse([]byte("~" + strings.TrimSuffix(strings.TrimPrefix(line, "1-x "), "\n")))
		assert.NilError(t, err)
		assert.Equal(t, r.Text, " "+arg)
	})
}

// A line is read or refused, and never takes more memory than some times its length.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		`1^done,threads=[{id="1",target-id="Thread 0x7ffff7dd1740 (LWP 18662)",frame={level="0",args=[{name="a",value="1"}]}}]`,
		`*stopped,reason="signal-received",thread-id="1",stopped-threads="all"`,
		`~"[New Thread 0x7ffff7dd06c0 (LWP 8427)]\n"`, `^error,msg="\303"`, `(gdb) `, `^done,a=[[[[`, "\xff",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := mi.Parse(line)
		assert.Assert(t, size(r.Tuple)+len(r.Text)+len(r.Class) <= len(line))
		if err == nil && r.Kind == mi.Stray {
			assert.Equal(t, r.Text, strings.TrimSuffix(string(line), "\r"))
		}
	})
}

func size(t mi.Tuple) (n int) {
	for _, f := range t {
		n += len(f.Name) + len(f.Value.Text) + size(f.Value.Fields)
	}
	return n
}
