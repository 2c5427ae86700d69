package tracer

import (
	"encoding"
	"testing"
)

func TestOptionsAreWrittenAndReadByTheirNames(t *testing.T) {
	type option interface {
		encoding.TextMarshaler
		String() string
	}
	for name, o := range map[string]struct {
		option
		read encoding.TextUnmarshaler
	}{
		"events":   {Events, new(Method)},
		"syscalls": {Syscalls, new(Method)},
		"wait":     {Wait, new(Notify)},
		"sigchld":  {SIGCHLD, new(Notify)},
		"both":     {FollowBoth, new(Follow)},
		"parent":   {FollowParent, new(Follow)},
		"child":    {FollowChild, new(Follow)},
		"ask":      {FollowAsk, new(Follow)},
	} {
		text, err := o.MarshalText()
		if err != nil || string(text) != name || o.String() != name {
			t.Errorf("%s is written as %q and %q, %v", name, text, o, err)
		}
		if err := o.read.UnmarshalText(text); err != nil {
			t.Error(err)
		}
		again, _ := o.read.(encoding.TextMarshaler).MarshalText()
		if string(again) != name {
			t.Errorf("%s is read as %s", name, again)
		}
		if err := o.read.UnmarshalText([]byte("nonsense")); err == nil {
			t.Errorf("nonsense is read as %v", o.read)
		}
	}
}
