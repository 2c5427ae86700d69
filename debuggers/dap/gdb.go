package dap

// GDB is gdb as a debug adapter, which it can be from version 14 on. It calls threads by numbers of its own.
func GDB(path string, args ...string) Debugger {
	settings := []string{
		"set debuginfod enabled off", "set auto-load no", "set startup-with-shell off",
		"handle all nostop noprint pass", // a program's signals are its own
	}
	own := []string{"-nx", "-i", "dap"}
	for _, s := range settings {
		own = append(own, "-iex", s)
	}
	return Debugger{
		Called: "gdb-dap", Path: path, Args: append(own, args...),
		TIDs: "python print([(t.global_num, t.ptid[1]) for t in gdb.selected_inferior().threads()])",
	}
}
