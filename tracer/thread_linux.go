package tracer

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// OnThread runs f on an OS thread of its own that is fit to trace from: it has
// no children, it is not the process's first, and it ends with f.
//
// A thread that the runtime used before may have children of an earlier exec.Command,
// which a wait for any child would steal. The first thread does not end when its
// goroutine does, and what it traces would hang on it for ever.
func OnThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() && !hasChildren() {
			f()
			return // without unlocking, which ends the thread
		}
		found := make(chan struct{})
		OnThread(func() {
			close(found)
			f()
		})
		<-found // this thread is kept until then, lest it be tried again
		runtime.UnlockOSThread()
	}()
}

func hasChildren() bool {
	const any = unix.WEXITED | unix.WSTOPPED | unix.WNOHANG | unix.WNOWAIT | unix.WALL | unix.WNOTHREAD
	return unix.Waitid(unix.P_ALL, 0, nil, any, nil) != unix.ECHILD
}
