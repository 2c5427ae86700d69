package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/picture"
	"github.com/tidcheck/tidcheck/report"
	"github.com/tidcheck/tidcheck/tracer"
)

func traceCommand(c *invocation) action {
	c.Flags().SetInterspersed(false) // the command has flags of its own
	asJSON := c.Flags().Bool("json", false, "print each event as a line of JSON, and no summary")
	output := c.Flags().StringP("output", "o", "",
		"write to this `file` instead of standard output, line by line")
	var p printer
	c.Flags().FuncP("events", "e",
		"print events of these `kinds` alone, such as birth,exit: attach, ready, birth (clone, "+
			"fork, vfork), vforkdone, exec, exit, end, signal", p.setKinds)
	c.Flags().BoolVarP(&p.clock, "time", "t", false, "begin each line with the time of day")
	c.Flags().BoolVar(&p.tree, "tree", false,
		"print births, execs and ends alone, indented as the tree of births")
	c.Flags().BoolVarP(&p.counted, "counts", "c", false,
		"print no events, and at the end how many each process had")
	html := c.Flags().String("html", "",
		"write a page with a picture of the trace to this `file`")
	pid := c.Flags().IntP("pid", "p", 0, "attach to the process with this `pid`; Ctrl-C detaches")
	interactive := c.Flags().BoolP("interactive", "i", false,
		"stop the program and take commands at a prompt, from a terminal or a pipe")
	var opts tracer.Options
	followFlags(c.Flags(), &opts)
	c.Flags().BoolVar(&opts.TraceMe, "traceme", false,
		"launch the command by PTRACE_TRACEME, as older tracers do: its group stops are not kept")
	return func(_ context.Context, args []string) error {
		if (*asJSON || *interactive) && (p.clock || p.tree || p.counted) {
			return errors.New("--time, --tree and --counts are for lines of text: " +
				"--json and -i do not go with them")
		}
		switch {
		case p.counted && (p.tree || p.kinds != nil):
			return errors.New("--counts prints no events: --tree and --events do not go with it")
		case p.tree && p.kinds != nil:
			return errors.New("--tree has its own choice of events: --events does not go with it")
		case *html != "" && (*html == *output || *html == "-" && *output == ""):
			return errors.New("--html: name a file of its own for the page")
		}
		switch asks := opts.Threads == tracer.FollowAsk || opts.Processes == tracer.FollowAsk; {
		case asks && !*interactive:
			return errors.New("--follow ask and --follow-forks ask need -i")
		case *interactive && (*asJSON || *output != "" || *html != ""):
			return errors.New(
				"-i prints events at its prompt: --json, --output and --html do not go with it")
		}
		what, err := readTarget(c, args, *pid)
		if err != nil {
			return err
		}
		if *interactive {
			prompt, err := openConsole(os.Stdin, os.Stdout)
			if err != nil {
				return err
			}
			defer prompt.restore()
			c.status, err = interact(prompt, what, opts)
			return err
		}
		out := os.Stdout
		if *output != "" {
			if out, err = os.Create(*output); err != nil {
				return fmt.Errorf("--output: %w", err)
			}
			defer out.Close()
		}
		p.out, p.json = bufio.NewWriterSize(out, 1<<16), *asJSON
		p.family.Forgetful = true
		if *html != "" {
			c.status, err = p.draw(*html, what, opts)
		} else {
			c.status, err = p.trace(what, opts)
		}
		return err
	}
}

// followFlags defines the flags that say how births and stops are learnt, and which tasks to
// follow.
func followFlags(flags *pflag.FlagSet, opts *tracer.Options) {
	flags.TextVar(&opts.Method, "method", tracer.Events,
		"`how` births are learnt: from the kernel's events, or from all system calls (syscalls)")
	flags.TextVar(&opts.Notify, "notify", tracer.Wait,
		"`how` stops are noticed: in wait4 (wait), or by SIGCHLD (sigchld)")
	flags.TextVar(&opts.Threads, "follow", tracer.FollowBoth,
		"`which` task to trace after a thread's birth: both, parent, child, or ask (needs -i); "+
			"the other one is detached and runs untraced")
	flags.TextVar(&opts.Processes, "follow-forks", tracer.FollowBoth,
		"`which` task to trace after a process's birth, likewise")
}

// A traceTarget is what to trace: a command to launch, or a process to attach to.
type traceTarget struct {
	argv []string // nil to attach
	pid  int
}

func (t traceTarget) isLaunched() bool { return t.argv != nil }

// trace launches the command, with this standard input and these attributes, or attaches to the
// process.
func (t traceTarget) trace(
	opts tracer.Options, stdin io.Reader, attributes *syscall.SysProcAttr,
) (*tracer.Tracer, error) {
	if !t.isLaunched() {
		return tracer.Attach(t.pid, opts)
	}
	cmd := exec.Command(t.argv[0], t.argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = attributes
	return tracer.Launch(cmd, opts)
}

// readTarget reads a pid or a command from the command line: -p PID or -- COMMAND, or, as the
// suite calls a debugger, attach PID or launch -- COMMAND.
func readTarget(c *invocation, args []string, pid int) (what traceTarget, err error) {
	dashes := c.ArgsLenAtDash() >= 0
	hasPID := c.Flags().Changed("pid")
	switch {
	case hasPID && len(args) > 0:
		err = fmt.Errorf("-p %d and a command: give one of the two", pid)
	case hasPID:
		what.pid = pid
	case !dashes && len(args) == 2 && args[0] == "attach":
		if what.pid, err = strconv.Atoi(args[1]); err != nil {
			err = fmt.Errorf("attach: %q is not a pid", args[1])
		}
	case !dashes && len(args) > 2 && args[0] == "launch" && args[1] == "--":
		what.argv = args[2:]
	case len(args) == 0:
		err = errors.New("name what to trace: -p PID, or -- COMMAND [ARG…]")
	default:
		what.argv = args
	}
	return what, err
}

// A printer prints events as they come: nothing stays in its buffer. The tracer calls it on its own
// thread; its fields may be read when the tracer has ended.
type printer struct {
	out                  *bufio.Writer
	json                 bool
	clock, tree, counted bool
	kinds                map[event.Kind]bool // nil for all
	family               event.Family
	line                 []byte
	counts               counts
	processes            []*process // in the order in which they were met
	living               map[event.TID]*process
	picture              *picture.Recording // nil without --html
	err                  error
}

// counts are numbers of events, by their kinds.
type counts [event.Signal + 1]int

// setKinds reads the kinds of --events.
func (p *printer) setKinds(list string) error {
	p.kinds = make(map[event.Kind]bool)
	for name := range strings.SplitSeq(list, ",") {
		known := false
		for k := event.Attach; k <= event.Signal; k++ {
			if name == k.String() || name == "birth" && k.IsBirth() {
				p.kinds[k], known = true, true
			}
		}
		if !known {
			return fmt.Errorf("%q is no kind of event", name)
		}
	}
	return nil
}

// draw runs a whole trace, writes its picture to a file, and returns the program's own status.
func (p *printer) draw(name string, what traceTarget, opts tracer.Options) (int, error) {
	page, err := report.Create(name)
	if err != nil {
		return 0, fmt.Errorf("--html: %w", err)
	}
	p.picture = &picture.Recording{}
	status, err := p.trace(what, opts)
	title := strings.Join(what.argv, " ")
	if title == "" {
		title = fmt.Sprintf("process %d", what.pid)
	}
	writeErr := page.Write(func(w io.Writer) error {
		return report.TraceHTML(w, title, p.picture.Picture())
	})
	if writeErr != nil {
		err = cmp.Or(err, fmt.Errorf("--html: %w", writeErr))
	}
	return status, err
}

// trace runs a whole trace and returns the program's own status.
func (p *printer) trace(what traceTarget, opts tracer.Options) (int, error) {
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupts)

	opts.Events = p.print
	t, err := what.trace(opts, os.Stdin, nil)
	if err != nil {
		return 0, err
	}
	if err := t.Resume(); err != nil {
		return 0, err
	}
	begin := time.Now()
	for {
		select {
		case <-t.Done():
			status, err := t.Wait()
			p.summarize(time.Since(begin))
			if err := cmp.Or(err, p.err, p.out.Flush()); err != nil {
				return 0, err
			}
			return exitStatus(status), nil
		case sig := <-interrupts:
			err := interrupted(t, what.isLaunched(), sig)
			if err != nil && !errors.Is(err, tracer.ErrEnded) {
				return 0, err
			}
		}
	}
}

// interrupted acts on a signal to tidcheck. It detaches from an attached program. It passes the
// signal to a launched one, unless the terminal has sent it to both, and the trace goes on: the
// program decides when it ends. A second signal ends tidcheck, and the kernel then kills the
// program.
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
		return t.Kill() // its first process has ended: no other would act on the signal
	}
	return err
}

func (p *printer) print(e event.Event) {
	l, err := p.family.Add(e)
	if p.picture != nil {
		p.picture.Add(l)
	}
	p.err = cmp.Or(p.err, err)
	p.count(e)
	if p.counted || p.kinds != nil && !p.kinds[e.Kind] {
		return
	}
	p.line = p.line[:0]
	if p.clock {
		p.line = time.Now().AppendFormat(p.line, "15:04:05.000000 ")
	}
	switch {
	case p.json:
		p.line = l.AppendJSON(p.line)
	case p.tree:
		text := branch(l)
		if text == "" {
			return
		}
		p.line = append(p.line, text...)
	default:
		p.line = l.AppendLine(p.line)
	}
	p.out.Write(append(p.line, '\n'))
	p.out.Flush() // the last Flush returns its error
}

// branch is a line of the tree of births: a task's beginning, exec or end. It is empty for others.
func branch(l event.Labelled) string {
	path, tid, what := l.Path, l.TID, l.Kind.String()
	switch l.Kind {
	case event.Ready:
		what = "start"
	case event.Attach:
		what = "found"
	case event.Clone, event.Fork, event.VFork:
		path, tid = l.ChildPath, l.Child
	case event.Exec:
	case event.Exit:
		what += " " + l.Status.String()
	default:
		return ""
	}
	indent := strings.Repeat("  ", strings.Count(string(path), "/"))
	return fmt.Sprintf("%s%s %d %s", indent, path, tid, what)
}

// A process is what --counts tells of one.
type process struct {
	pid    event.TID
	counts counts
	status string
}

// count counts an event, for all and for its process. A birth counts for its creator's. A pid may
// be used again.
func (p *printer) count(e event.Event) {
	p.counts[e.Kind]++
	if !p.counted {
		return
	}
	if p.living == nil {
		p.living = make(map[event.TID]*process)
	}
	one := p.living[e.PID]
	if one == nil {
		one = &process{pid: e.PID, status: "lives"}
		p.living[e.PID], p.processes = one, append(p.processes, one)
	}
	one.counts[e.Kind]++
	if e.Kind == event.End {
		one.status = e.Status.String()
		delete(p.living, e.PID)
	}
}

// table prints how many events each process had.
func (p *printer) table() {
	const form = "%8v %8v %10v %8v %8v  %v\n"
	fmt.Fprintf(p.out, form, "process", "threads", "processes", "execs", "signals", "status")
	for _, one := range p.processes {
		n := one.counts
		fmt.Fprintf(p.out, form, one.pid, n[event.Clone], n[event.Fork]+n[event.VFork],
			n[event.Exec], n[event.Signal], one.status)
	}
}

// summarize prints the last line: how many events there were.
func (p *printer) summarize(took time.Duration) {
	if p.json {
		return
	}
	if p.counted {
		p.table()
	}
	n := p.counts
	counts := []string{
		plural(n[event.Attach], "task") + " found",
		plural(n[event.Clone]+n[event.Fork]+n[event.VFork], "birth"),
		plural(n[event.Exit], "exit"),
		plural(n[event.Exec], "exec"),
		plural(n[event.Signal], "signal"),
	}
	counts = slices.DeleteFunc(counts, func(s string) bool { return strings.HasPrefix(s, "0 ") })
	if len(counts) == 0 {
		counts = []string{"no events"}
	}
	fmt.Fprintf(p.out, "%s; %s ended; %.3f s\n",
		strings.Join(counts, ", "), plural(n[event.End], "process"), took.Seconds())
}
