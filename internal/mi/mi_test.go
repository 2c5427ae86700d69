package mi_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tidcheck/tidcheck/internal/mi"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

func text(name, value string) mi.Field {
	return mi.Field{Name: name, Value: mi.Value{Text: value}}
}

func record(kind mi.Kind, token int, class string, all ...mi.Field) mi.Record {
	return mi.Record{Kind: kind, Token: token, Class: class, Tuple: all}
}

func fields(name string, all ...mi.Field) mi.Field {
	return mi.Field{Name: name, Value: mi.Value{Fields: all}}
}

func TestLinesAreRead(t *testing.T) {
	for _, c := range []struct {
		line string
		want mi.Record
	}{
		{`(gdb) `, mi.Record{Token: -1, Text: "(gdb) "}},
		{`^done`, mi.Record{Kind: mi.Result, Token: -1, Class: "done"}},
		{"12^running\r", mi.Record{Kind: mi.Result, Token: 12, Class: "running"}},
		{
			`3^error,msg="No \"symbol\"."`,
			record(mi.Result, 3, "error", text("msg", `No "symbol".`)),
		},
		{
			`=thread-created,id="2",group-id="i1"`,
			record(mi.Notify, -1, "thread-created", text("id", "2"), text("group-id", "i1")),
		},
		{
			`*stopped,reason="exited",exit-code="07"`,
			record(mi.Exec, -1, "stopped", text("reason", "exited"), text("exit-code", "07")),
		},
		{
			`*stopped,frame={addr="0x1",args=[]},stopped-threads=["1","2"]`,
			record(mi.Exec, -1, "stopped", fields("frame", text("addr", "0x1"), fields("args")),
				fields("stopped-threads", text("", "1"), text("", "2"))),
		},
		{
			`^done,bkpt={number="1"},{number="1.1"}`,
			record(mi.Result, -1, "done", fields("bkpt", text("number", "1")),
				fields("", text("number", "1.1"))),
		},
		{
			`+download,total-size="9"`,
			record(mi.Status, -1, "download", text("total-size", "9")),
		},
		{`~"[New LWP 5]\n"`, mi.Record{Kind: mi.Console, Token: -1, Text: "[New LWP 5]\n"}},
		{
			`&"a\tb\\\"\033\377\342\202\254"`,
			mi.Record{Kind: mi.Log, Token: -1, Text: "a\tb\\\"\x1b\xff€"},
		},
		{"@\"\xff\"", mi.Record{Kind: mi.Target, Token: -1, Text: "\xff"}},
		{``, mi.Record{Token: -1}},
		{`4711`, mi.Record{Token: -1, Text: "4711"}},
		{`7~"x"`, mi.Record{Token: -1, Text: `7~"x"`}},
		{`(gdb)x`, mi.Record{Token: -1, Text: `(gdb)x`}},
		{"hello \xff", mi.Record{Token: -1, Text: "hello \xff"}},
	} {
		got, err := mi.Parse([]byte(c.line))
		assert.Check(t, err, "%s", c.line)
		assert.Check(t, is.DeepEqual(got, c.want, cmpopts.EquateEmpty()), "%s", c.line)
	}
}

func TestMalformedRecordsAreRefused(t *testing.T) {
	for line, want := range map[string]string{
		`^`:                                      "at byte 1: expected a name",
		`^done,`:                                 "at byte 6: expected a name",
		`^done,a`:                                "at byte 7: expected = after a",
		`^done,a=`:                               "at byte 8: expected a value",
		`^done,a=b`:                              "at byte 8: expected a value",
		`^done,a="b`:                             `at byte 10: expected " at the end of a text`,
		`^done,a="b\`:                            `at byte 11: expected an escape, not \'\x00'`,
		`^done,a="\x"`:                           `at byte 10: expected an escape, not \'x'`,
		`^done,a="\777"`:                         "at byte 13: strconv.ParseUint: parsing \"777\"",
		`^done a`:                                "at byte 5: expected the end of the line",
		`^done,a={b="c"`:                         "at byte 14: expected , or }",
		`^done,a=["c"}`:                          "at byte 12: expected , or ]",
		`~"half a mess`:                          `at byte 13: expected " at the end of a text`,
		`~half`:                                  `at byte 1: expected "`,
		`~"x"y`:                                  "at byte 4: expected the end of the line",
		`99999999999^done`:                       `"99999999999^done": the token: strconv`,
		`^done,a=` + strings.Repeat("[", 100000): "nested more than 64 deep",
	} {
		_, err := mi.Parse([]byte(line))
		assert.Check(t, is.ErrorContains(err, want), "%.40s", line)
		if err != nil && len(err.Error()) >= 700 {
			t.Errorf("%.40s: the message has %d bytes", line, len(err.Error()))
		}
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

// gdb reads a quoted argument as it writes a text.
func FuzzCommand(f *testing.F) {
	f.Add("a b")
	f.Add("\"\\\x00\xff")
	f.Fuzz(func(t *testing.T, arg string) {
		line := string(mi.Command(1, "-x", " "+arg))
		quoted := strings.TrimSuffix(strings.TrimPrefix(line, "1-x "), "\n")
		r, err := mi.Parse([]byte("~" + quoted))
		assert.NilError(t, err)
		assert.Equal(t, r.Text, " "+arg)
	})
}

// A record never holds more bytes than its line has.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		`1^done,threads=[{id="1",target-id="Thread 0x7ffff7dd1740 (LWP 18662)",` +
			`frame={level="0",args=[{name="a",value="1"}]}}]`,
		`*stopped,reason="signal-received",thread-id="1",stopped-threads="all"`,
		`~"[New Thread 0x7ffff7dd06c0 (LWP 8427)]\n"`,
		`^error,msg="\303"`, `(gdb) `, `^done,a=[[[[`, "\xff",
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
