//go:build amd64 || arm64

package tracer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

// at has Events close a channel at the nth event.
func at(n int, how tracer.Options) (tracer.Options, <-chan struct{}) {
	reached := make(chan struct{})
	how.Events = func(event.Event) {
		if n--; n == 0 {
			close(reached)
		}
	}
	return how, reached
}

var storms = [][]string{{"3", "4", "0", "0"}, {"1", "2", "2", "0"}, {"1", "1", "1", "3"}}

func TestEndInAStorm(t *testing.T) {
	for _, way := range []struct {
		name string
		how  tracer.Options
	}{ways[0], ways[1], {"attached", tracer.Options{}}} {
		for _, end := range []string{"detach", "kill", "abandon"} {
			t.Run(way.name+"/"+end, func(t *testing.T) {
				within(t, 60*time.Second)
				for round := range often(9) {
					n := 1 + rand.New(rand.NewPCG(uint64(round), 0)).IntN(300)
					storm := storms[round%len(storms)]
					endInAStorm(t, storm, way.name == "attached", way.how, n, end)
					if t.Failed() {
						t.Fatalf("round %d: storm %v, at event %d", round, storm, n)
					}
				}
			})
		}
	}
}

func endInAStorm(
	t *testing.T, storm []string, attached bool, how tracer.Options, n int, end string,
) {
	how, reached := at(n, how)
	var (
		p   *program
		tr  *tracer.Tracer
		err error
	)
	if attached {
		p = start(t, "storm", storm...)
		tr, err = tracer.Attach(p.pid, how)
	} else {
		p = prepare(t, "storm", storm...)
		tr, err = tracer.Launch(p.Cmd, how)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.pid = tr.PID()
	if err := tr.Resume(); err != nil {
		t.Fatal(err)
	}
	<-reached
	switch end {
	case "abandon":
		if err := tr.Abandon(); err != nil {
			t.Error(err)
		}
		if !attached {
			wantKilledProgram(t, p.pid)
			break
		}
		wantReleased(t, p.pid)
		p.finish(t)
	case "kill":
		if err := tr.Kill(); err != nil {
			t.Error(err)
		}
		if attached {
			p.Wait()
		}
		wantGone(t, p.pid)
	case "detach":
		if err := tr.Detach(); err != nil {
			t.Error(err)
		}
		wantReleased(t, p.pid)
		if !attached {
			p.ready(t)
		}
		p.finish(t)
	}
	for _, request := range []func() error{tr.Resume, tr.Detach, tr.Kill, tr.Abandon} {
		if err := request(); !errors.Is(err, tracer.ErrEnded) {
			t.Errorf("a request after the end: got %v, want %v", err, tracer.ErrEnded)
		}
	}
}

// Each request is answered, whatever else is asked meanwhile. Then the program is untraced or gone.
func TestRequestsAtOnce(t *testing.T) {
	within(t, 60*time.Second)
	for round := range often(8) {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			p := prepare(t, "storm", storms[round%len(storms)]...)
			how, reached := at(1+round*5, tracer.Options{})
			tr, err := tracer.Launch(p.Cmd, how)
			if err != nil {
				t.Fatal(err)
			}
			p.pid = tr.PID()
			if err := tr.Resume(); err != nil {
				t.Fatal(err)
			}
			<-reached
			answers := make(chan error)
			requests := []func() error{tr.Detach, tr.Kill, tr.Resume, tr.Kill, tr.Detach}
			for _, request := range requests {
				go func() { answers <- request() }()
			}
			for range 5 {
				if err := <-answers; err != nil && !errors.Is(err, tracer.ErrEnded) {
					t.Error(err)
				}
			}
			if _, err := tr.Wait(); err != nil {
				t.Error(err)
			}
			wantReleased(t, p.pid)
		})
	}
}

// When an end has its answer nothing is traced any more, and there is nothing more to ask.
func TestAnEndIsOverWhenItIsAnswered(t *testing.T) {
	within(t, 20*time.Second)
	for name, end := range map[string]func(*tracer.Tracer) error{
		"detach": (*tracer.Tracer).Detach, "kill": (*tracer.Tracer).Kill,
		"abandon": (*tracer.Tracer).Abandon,
	} {
		p := start(t, "storm", "0", "0", "0", "0")
		tr := attach(t, p.pid, &log{})
		ok(t, end(tr))
		select {
		case <-tr.Done():
		default:
			t.Errorf("%s: it is answered, and the tracer goes on", name)
		}
		for _, request := range []func() error{tr.Detach, tr.Kill, tr.Abandon, tr.Stop} {
			if err := request(); !errors.Is(err, tracer.ErrEnded) {
				t.Errorf("%s, then another request: got %v, want ErrEnded", name, err)
			}
		}
		if name == "kill" {
			p.Wait()
			wantGone(t, p.pid)
			continue
		}
		wantReleased(t, p.pid)
		p.finish(t)
	}
}

func TestKillBeforeTheStart(t *testing.T) {
	within(t, 10*time.Second)
	for _, way := range ways {
		cmd := command(t, "storm", "1", "1", "1", "1")
		tr, err := tracer.Launch(cmd, way.how)
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Kill(); err != nil {
			t.Error(err)
		}
		if status, err := tr.Wait(); err != nil || fmt.Sprint(status) != "SIGKILL" {
			t.Errorf("%s: got status %s, %v, want SIGKILL", way.name, status, err)
		}
		wantGone(t, tr.PID())
	}
}
