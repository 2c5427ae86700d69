//go:build amd64 || arm64

package tracer

import (
	"io"
	"os/exec"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// manyThreads runs f on as many threads at once, each of which the runtime may use again.
func manyThreads(f func()) {
	const threads = 12
	var all, begun sync.WaitGroup
	begun.Add(threads)
	for range threads {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			begun.Done()
			begun.Wait()
			f()
		})
	}
	all.Wait()
}

// Many threads of the runtime's have children here. A tracer's thread has none, since a wait for
// any child would take theirs.
func TestOnThreadTakesAThreadWithoutChildren(t *testing.T) {
	var started sync.Mutex
	var children []*exec.Cmd
	var inputs []io.Closer
	manyThreads(func() {
		if hasChildren() {
			return // of another test: it will do
		}
		cmd := exec.Command("cat")
		input, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Error(err)
			return
		}
		if !hasChildren() {
			t.Error("a thread that has started a program has no children")
		}
		started.Lock()
		defer started.Unlock()
		children, inputs = append(children, cmd), append(inputs, input)
	})
	const tracers = 12
	var begun, all sync.WaitGroup
	begun.Add(tracers)
	all.Add(tracers)
	for range tracers {
		OnThread(func() {
			defer all.Done()
			begun.Done()
			begun.Wait() // so they are as many threads
			if hasChildren() {
				t.Error("a tracer's thread has children")
			}
			if unix.Gettid() == unix.Getpid() {
				t.Error("a tracer's thread is the process's first")
			}
		})
	}
	all.Wait()
	for i, cmd := range children {
		inputs[i].Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}
