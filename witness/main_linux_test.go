package witness

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"testing"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/internal/procfs"
	"github.com/tidcheck/tidcheck/internal/testproc"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	testproc.UseTempThatExecutes()
	os.Exit(m.Run())
}

// needPerf skips a test where something refuses perf_event_open for a process of our own. Without a
// filter and a strict setting nothing does.
func needPerf(t *testing.T) {
	t.Helper()
	k := startKeeper(t, "true")
	w, err := Open(int(k.pid))
	if err == nil {
		w.Close()
		return
	}
	status := procfs.Status(event.TID(os.Getpid()))
	capabilities, _ := strconv.ParseUint(status["CapEff"], 16, 64) // none if it cannot be read
	level, errSetting := strconv.Atoi(system.setting(paranoidFile))
	const perfmon = 1<<unix.CAP_PERFMON | 1<<unix.CAP_SYS_ADMIN
	isStrict := (errSetting != nil || level > 2) && capabilities&perfmon == 0
	if errors.Is(err, fs.ErrPermission) && (status["Seccomp"] != "0" || isStrict) {
		t.Skip("perf events are refused here: ", err)
	}
	t.Fatal(err)
}
