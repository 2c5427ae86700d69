// Package tidcheck is a conformance suite for thread tracking: it runs small programs whose
// threads' lives are known under a debugger, and compares what the debugger said with what the
// kernel did.
//
// Read it in this order: package event, the vocabulary; cfixtures/fork.c, a program that declares
// what the kernel does with it; harness_test.go, the suite as `go test` runs it; package harness,
// which builds, runs and gathers evidence; package judge, which applies the rules; package tracer,
// which follows threads by ptrace(2); package witness, which does without; debuggers/reference and
// debuggers/command, two ways to plug a debugger in; and cmd/tidcheck, the command line.
//
// The package itself holds only what the command needs to work alone: the sources of the fixtures,
// and the version.
package tidcheck

import "embed"

// Version is the suite's version, which stands in every result.
const Version = "0.1.0"

// Sources are the fixtures as they are in the repository: C programs in cfixtures, Go
// programs and their one shared package in fixtures.
//
//go:embed cfixtures/*.c cfixtures/*.h fixtures/*/*.go fixtures/*/*.c
var Sources embed.FS
