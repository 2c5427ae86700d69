package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/tracer"
)

func traceCommand(_ context.Context, c *invocation) (int, error) {
	asJSON := c.flags.Bool("json", false, "print an event a line as JSON, and no summary")
	output := c.flags.String("output", "", "write to this `file` and not to standard output")
	pid := c.flags.Int("p", 0, "attach to the process with this `pid`")
	interactive := c.flags.Bool("i", false, "take commands at a prompt, from a terminal or a pipe; help lists them")
	var opts tracer.Options
	followFlags(c.flags, &opts)
	if err := c.parse(); err != nil {
		return harnessError, err
	}
	switch asks := opts.Threads == tracer.FollowAsk || opts.Processes == tracer.FollowAsk; {
	case asks && !*interactive:
		return harnessError, errors.New("whom to follow can be asked only with -i")
	case *interactive && (*asJSON || *output != ""):
		return harnessError, errors.New("-i prints events at its prompt: neither --json nor --output goes with it")
	}
	target, argv, err := traceTarget(c, *pid)
	if err != nil {
		return harnessError, err
	}
	if *interactive {
		prompt, err := openConsole(os.Stdin, c.stdout)
		if err != nil {
			return harnessError, err
		}
		defer prompt.restore()
		return interact(prompt, target, argv, opts)
	}
	out := c.stdout
	if *output != "" {
		file, err := os.Create(*output)
		if err != nil {
			return harnessError, fmt.Errorf("--output: %w", err)
		}
		defer file.Close()
		out = file
	}
	p := &printer{out: bufio.NewWriterSize(out, 1<<16), json: *asJSON, direct: *output == ""}
	p.family.Forgetful = true
	return p.trace(target, argv, opts)
}

// followFlags are how a program is followed, and who of it.
func followFlags(flags *flag.FlagSet, opts *tracer.Options) {
	flags.TextVar(&opts.Method, "method", tracer.Events, "`how` births are learnt: from the kernel's events, or from all system calls (syscalls)")
	flags.TextVar(&opts.Notify, "notify", tracer.Wait, "`how` stops are noticed: in wait4 (wait), or by SIGCHLD (sigchld)")
	flags.TextVar(&opts.Threads, "follow", tracer.FollowBoth, "`whom` to follow at a thread's birth: both, parent, child, or ask; the other runs free")
	flags.TextVar(&opts.Processes, "follow-forks", tracer.FollowBoth, "`whom` to follow at a process's birth: both, parent, child, or ask")
}

// traceTarget is a pid or a command: -p PID or -- COMMAND, or as the suite calls a
// debugger, attach PID or launch -- COMMAND.
func traceTarget(c *invocation, pid int) (int, []string, error) {
	args := c.flags.Args()
	dashes := len(c.args) > len(args) && c.args[len(c.args)-len(args)-1] == "--"
	hasPID := false
	c.flags.Visit(func(f *flag.Flag) { hasPID = hasPID || f.Name == "p" })
	switch {
	case hasPID && len(args) > 0:
		return 0, nil, fmt.Errorf("-p %d and a command: one of them", pid)
	case hasPID:
		return pid, nil, nil
	case !dashes && len(args) == 2 && args[0] == "attach":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return 0, nil, fmt.Errorf("attach: %q is no pid", args[1])
		}
		return n, nil, nil
	case !dashes && len(args) > 2 && args[0] == "launch" && args[1] == "--":
		return 0, args[2:], nil
	case len(args) == 0:
		return 0, nil, errors.New("name what to trace: -p PID, or -- COMMAND [ARG…]")
	}
	return 0, args, nil
}

// A printer prints events as they come. It is the tracer's sink, so it works on the
// tracer's thread; the rest looks at it when the tracer has ended.
type printer struct {
	out                                             *bufio.Writer
	json                                            bool
	direct                                          bool // somebody is looking: nothing stays in the buffer
	family                                          event.Family
	line                                            []byte
	found, births, exits, processes, execs, signals int
	err                                             error
}

// trace runs a whole trace and returns the program's own status.
func (p *printer) trace(pid int, argv []string, opts tracer.Options) (int, error) {
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupts)

	var t *tracer.Tracer
	var err error
	opts.Events = p.print
	if argv == nil {
		t, err = tracer.Attach(pid, opts)
	} else {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		t, err = tracer.Launch(cmd, opts)
	}
	if err != nil {
		return harnessError, err
	}
	if err := t.Resume(); err != nil {
		return harnessError, err
	}
	begin := time.Now()
	for {
		select {
		case <-t.Done():
			status, err := t.Wait()
			p.summary(time.Since(begin))
			if err := cmp.Or(err, p.err, p.out.Flush()); err != nil {
				return harnessError, err
			}
			return exitStatus(status), nil
		case sig := <-interrupts:
			if err := interrupted(t, argv != nil, sig); err != nil && !errors.Is(err, tracer.ErrEnded) {
				return harnessError, err
			}
		}
	}
}

// interrupted lets an attached program go. A launched one gets the signal itself, unless the terminal
// has sent it to both of us, and goes on to decide its end; a second signal kills it.
func interrupted(t *tracer.Tracer, launched bool, sig os.Signal) error {
	if !launched {
		return t.Detach()
	}
	signal.Reset(sig)
	if sig == os.Interrupt && inForeground() {
		return nil
	}
	program, err := os.FindProcess(t.PID())
	if err == nil {
		err = program.Signal(sig)
	}
	if errors.Is(err, os.ErrProcessDone) {
		return t.Kill() // its first process is over: what is left is of no use to who wants an end
	}
	return err
}

func (p *printer) print(e event.Event) {
	l, err := p.family.Add(e)
	if err != nil && p.err == nil {
		p.err = err
	}
	p.count(e.Kind)
	if p.json {
		p.line = append(l.AppendJSON(p.line[:0]), '\n')
	} else {
		p.line = append(l.AppendLine(p.line[:0]), '\n')
	}
	if _, err := p.out.Write(p.line); err != nil && p.err == nil {
		p.err = err
	}
	if p.direct {
		p.out.Flush()
	}
}

func (p *printer) count(k event.Kind) {
	switch k {
	case event.Attach:
		p.found++
	case event.Clone, event.Fork, event.VFork:
		p.births++
	case event.Exit:
		p.exits++
	case event.End:
		p.processes++
	case event.Exec:
		p.execs++
	case event.Signal:
		p.signals++
	}
}

// summary is the last line: what there was, in numbers.
func (p *printer) summary(took time.Duration) {
	if p.json {
		return
	}
	counts := []string{plural(p.found, "task") + " found", plural(p.births, "birth"), plural(p.exits, "exit"), plural(p.execs, "exec"), plural(p.signals, "signal")}
	counts = slices.DeleteFunc(counts, func(s string) bool { return strings.HasPrefix(s, "0 ") })
	if len(counts) == 0 {
		counts = []string{"no events"}
	}
	fmt.Fprintf(p.out, "%s; %s ended; %.3f s\n", strings.Join(counts, ", "), plural(p.processes, "process"), took.Seconds())
}

func plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// exitStatus is the program's own as a shell gives it: 128 and the signal's number
// if one killed it, and 0 if it was let go.
func exitStatus(s event.Status) int {
	switch {
	case s == event.Unknown:
		return asExpected
	case s.Signal() != 0:
		return 128 + int(s.Signal())
	}
	return s.Code()
}
