//go:build ignore

// Runs repro.c's main in a Go program, since delve attaches to no others.
package main

// #cgo LDFLAGS: -pthread
// #define main repro
// #include "repro.c"
import "C"
import "runtime"

func init() { runtime.LockOSThread() } // main runs on the process's first thread

func main() { C.repro() }
