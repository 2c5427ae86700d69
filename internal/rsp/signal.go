package rsp

// gdbToLinux has Linux's number for each of gdb's own (include/gdb/signals.def), zero for those
// that Linux lacks.
var gdbToLinux = [...]int{
	0, 1, 2, 3, 4, 5, 6, 0, 8, 9, // gdb's 0 to 9
	7, 11, 31, 13, 14, 15, 23, 19, 20, 18, // 10 to 19
	17, 21, 22, 29, 24, 25, 26, 27, 28, 0, // 20 to 29
	10, 12, 30, // 30 to 32
}

// gdb's numbers for real-time signals: those for 33 to 63 are consecutive.
const (
	gdbRealtime33 = 45
	gdbRealtime63 = 75
	gdbRealtime32 = 77
	gdbRealtime64 = 78
)

// FromGDB is Linux's number for a signal of gdb's, 0 if Linux has none.
func FromGDB(n int) int {
	switch {
	case n == gdbRealtime32:
		return 32
	case n == gdbRealtime64:
		return 64
	case n >= gdbRealtime33 && n <= gdbRealtime63:
		return 33 + n - gdbRealtime33
	case n > 0 && n < len(gdbToLinux):
		return gdbToLinux[n]
	}
	return 0
}
