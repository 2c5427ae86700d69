package delve

import (
	"context"
	"encoding/json"
	"net"
	"net/rpc/jsonrpc"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// serveHalts is a delve whose program stops by itself again and again. A halt has an effect only
// while it continues.
func serveHalts(conn net.Conn, stopsByItself int) {
	out := json.NewEncoder(conn)
	answer := func(id int) {
		out.Encode(map[string]any{"id": id, "result": map[string]any{}, "error": nil})
	}
	const none = -1
	continues := none // the id of the continue that has no answer
	for in := json.NewDecoder(conn); ; {
		var r struct {
			ID     int       `json:"id"`
			Params []command `json:"params"`
		}
		if in.Decode(&r) != nil {
			return
		}
		switch {
		case r.Params[0].Name == "halt":
			answer(r.ID)
			if continues != none {
				answer(continues)
			}
			continues = none
		case stopsByItself > 0:
			stopsByItself--
			answer(r.ID)
		default:
			continues = r.ID
		}
	}
}

// However close a halt and a continue come, the halt comes second.
func TestAHaltIsNotLostBeforeAContinue(t *testing.T) {
	for n := range 300 {
		ours, theirs := net.Pipe()
		go serveHalts(theirs, n%10)
		s := &session{client: jsonrpc.NewClient(ours), stands: true}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		assert.NilError(t, s.Resume(ctx))
		assert.NilError(t, s.Stop(ctx), "round %d", n)
		cancel()
		s.client.Close()
		theirs.Close()
	}
}
