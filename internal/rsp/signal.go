package rsp

// gdb numbers signals for itself (include/gdb/signals.def). These are the places of Linux's 1 to 31 in its numbers; it has
// no SIGSTKFLT.
var linuxToGDB = [32]int{
	1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 10, 8: 8, 9: 9, 10: 30, 11: 11, 12: 31, 13: 13, 14: 14, 15: 15,
	17: 20, 18: 19, 19: 17, 20: 18, 21: 21, 22: 22, 23: 16, 24: 24, 25: 25, 26: 26, 27: 27, 28: 28, 29: 23, 30: 32, 31: 12,
}

// Real-time signals 33 to 63 stand together, 32 and 64 behind them.
const (
	gdbRealtime33 = 45
	gdbRealtime32 = 77
	gdbRealtime64 = 78
)

// FromGDB is Linux's number for a signal of gdb's, zero if it has none.
func FromGDB(n int) int {
	switch {
	case n >= gdbRealtime33 && n <= gdbRealtime33+63-33:
		return 33 + n - gdbRealtime33
	case n == gdbRealtime32:
		return 32
	case n == gdbRealtime64:
		return 64
	}
	for linux, gdb := range linuxToGDB {
		if gdb == n && n != 0 {
			return linux
		}
	}
	return 0
}

// ToGDB is gdb's number for a signal of Linux's, zero if it has none.
func ToGDB(n int) int {
	switch {
	case n == 32:
		return gdbRealtime32
	case n == 64:
		return gdbRealtime64
	case n >= 33 && n <= 63:
		return gdbRealtime33 + n - 33
	case n > 0 && n < len(linuxToGDB):
		return linuxToGDB[n]
	}
	return 0
}
