package rsp

import (
	"testing"

	"gotest.tools/v3/assert"
)

// The numbers are those of include/gdb/signals.def.
func TestSignalsHaveGDBsNumbers(t *testing.T) {
	for linux, gdb := range map[int]int{
		1: 1, 5: 5, 7: 10, 9: 9, 10: 30, 11: 11, 12: 31, 17: 20, 18: 19, 19: 17, 20: 18, 23: 16,
		27: 27, 30: 32, 31: 12,
		32: 77, 33: 45, 34: 46, 63: 75, 64: 78,
	} {
		assert.Equal(t, FromGDB(gdb), linux, "gdb's %d", gdb)
	}
	numbers := make(map[int]int) // gdb's, by Linux's
	for gdb := range 144 {
		numbers[FromGDB(gdb)] = gdb
	}
	for linux := 1; linux <= 64; linux++ {
		_, known := numbers[linux]
		assert.Equal(t, known, linux != 16, "Linux's %d", linux) // SIGSTKFLT
	}
	for _, none := range []int{0, -1, 7, 29, 76, 143, 1 << 20} {
		assert.Equal(t, FromGDB(none), 0, "gdb's %d", none)
	}
}
