//go:build !linux

package main

func inForeground() bool { return false }
