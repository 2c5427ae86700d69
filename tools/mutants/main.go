// Command mutants measures how much of a package's code its tests hold: it changes the code in
// many small ways, one at a time, and runs the tests. A mutant that no test kills stands for a
// mistake that no test would see.
//
// All mutants of a package are built into one test binary, each with a condition that turns it on,
// so that a mutant costs a run and no build. Each test runs alone first, and notes which mutants it
// comes by: a mutant is then held to the tests that come by it, the quick ones first. Every run has
// a pid namespace of its own, since a mutant may signal any process, and a time limit.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

// Options say what to measure.
type options struct {
	pkg        string
	tests      string        // a regular expression: the tests that mutants are held to
	skip       string        // a regular expression: the tests among those that are left out
	only       string        // a regular expression: the mutants to try, by their names
	every      int           // only each nth of those
	equivalent string        // the file that lists mutants which change nothing
	least      float64       // the score, in percent, below which the tests are too weak
	limit      time.Duration // of a mutant, at least; ten times what its tests take without it
}

func main() {
	var o options
	flag.StringVar(&o.tests, "tests", ".", "`regexp` of the tests that mutants are held to")
	flag.StringVar(&o.skip, "skip", "^$", "`regexp` of the tests that are left out")
	flag.IntVar(&o.every, "every", 1, "`n`: try each nth mutant only, for a first impression")
	flag.StringVar(&o.only, "only", ".", "`regexp` of the mutants to try, by their names")
	flag.StringVar(&o.equivalent, "equivalent", "", "`file` that lists mutants that change nothing")
	flag.Float64Var(&o.least, "least", 0, "score, in percent, below which the status is 1")
	flag.DurationVar(&o.limit, "limit", time.Minute, "time that a mutant has at least")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: mutants [FLAGS] PACKAGE")
		flag.PrintDefaults()
		os.Exit(2)
	}
	o.pkg = flag.Arg(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := measure(ctx, o, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	if r.score() < o.least || len(r.wrong) > 0 {
		os.Exit(1)
	}
}

// measure tries the mutants of a package, and prints what came of those that were not killed.
func measure(ctx context.Context, o options, out io.Writer) (*report, error) {
	chosen, err := regexp.Compile(o.only)
	if err != nil {
		return nil, err
	}
	skipped, err := regexp.Compile(o.skip)
	if err != nil {
		return nil, err
	}
	r := &report{count: make(map[outcome]int)}
	if r.equivalent, err = readEquivalents(o.equivalent); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b, err := build(dir, o.pkg)
	if err != nil {
		return nil, err
	}
	if err := b.findReach(ctx, o.tests, skipped, o.limit); err != nil {
		return nil, err
	}
	slowest := b.tests[len(b.tests)-1]
	fmt.Fprintf(out, "%s: %d mutants, %d tests; the slowest, %s, takes %v\n", o.pkg,
		len(b.mutants), len(b.tests), slowest.name, slowest.took.Round(time.Millisecond))
	for _, m := range b.mutants {
		if m.id%o.every != 0 || !chosen.MatchString(m.name()) {
			continue
		}
		result := b.try(ctx, m, o.limit)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.add(m, result)
		if _, listed := r.equivalent[m.name()]; result != killed && !listed {
			fmt.Fprintf(out, "%s: line %d of %s\n", result, m.line, m.name())
		}
	}
	r.checkList(b.mutants)
	fmt.Fprintln(out, r)
	return r, nil
}
