//go:build linux

// Command kernels runs tidcheck under the kernels of other Debian releases. It unpacks each, boots
// it under qemu's software emulation with an initramfs that holds tidcheck and built fixtures, and
// shows what tidcheck printed there.
//
// In that machine it is the first process too, and the compilers: they are asked for their
// versions, by which built fixtures are found.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	switch {
	case os.Getpid() == 1:
		boot()
	case filepath.Base(os.Args[0]) != "kernels":
		compile(filepath.Base(os.Args[0]))
	default:
		if err := run(); err != nil {
			fmt.Fprintln(os.Stderr, "kernels:", err)
			os.Exit(1)
		}
	}
}

const usage = `usage: kernels [flags] [SUITE…]

Runs tidcheck under the kernels of Debian releases; without SUITE, of all below. It needs qemu
(apt-get install qemu-system-x86), and what the suite needs. What it unpacks stays in the folder.

`

// suites are the releases whose kernels are tried.
var suites = []string{"bullseye", "bookworm", "bookworm-backports", "sid"}

func run() error {
	if runtime.GOARCH != "amd64" {
		return errors.New("the kernels and the machine are for amd64 alone")
	}
	folder := flag.String("folder", "bin/.kernels", "where kernels and the initramfs are")
	limit := flag.Duration("limit", 10*time.Minute, "how long one kernel may take")
	only := flag.String("only", "",
		"tidcheck's arguments in place of the usual runs, without quotes")
	flag.Usage = func() {
		fmt.Fprintf(os.Stderr, "%s  %s\n", usage, strings.Join(suites, "\n  "))
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		suites = flag.Args()
	}
	image, err := makeImage(*folder)
	if err != nil {
		return fmt.Errorf("make the initramfs: %w", err)
	}
	var failed []error
	for _, suite := range suites {
		at := filepath.Join(*folder, suite)
		fetch := exec.Command("tools/kernels/fetch.sh", suite, "linux-image-cloud-amd64", at)
		fetch.Stderr = os.Stderr
		if err := fetch.Run(); err != nil {
			return fmt.Errorf("unpack the kernel of %s: %w", suite, err)
		}
		began := time.Now()
		err := emulate(filepath.Join(at, "vmlinuz"), image, *only, *limit)
		fmt.Printf("%s: %.0f s\n", suite, time.Since(began).Seconds())
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", suite, err))
		}
	}
	return errors.Join(failed...)
}

// emulate boots a kernel and copies what its console prints, until it powers off.
func emulate(kernel, image, only string, limit time.Duration) error {
	parameters, runs := "console=ttyS0 quiet panic=-1", len(guestRuns)
	if only != "" {
		parameters, runs = parameters+" -- "+only, 1
	}
	// Debian 12's qemu spoils the flags at cmpxchg16b, so that Linux 6.12 panics.
	qemu := exec.Command("timeout", "--foreground", fmt.Sprint(limit.Seconds()),
		"qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "qemu64,-cx16",
		"-smp", "2", "-m", "3G",
		"-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio",
		"-kernel", kernel, "-initrd", image, "-append", parameters)
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		return fmt.Errorf("%w: install qemu-system-x86", err)
	}
	out, err := qemu.StdoutPipe()
	if err != nil {
		return err
	}
	qemu.Stderr = os.Stderr
	if err := qemu.Start(); err != nil {
		return err
	}
	status := show(out, runs)
	return errors.Join(status, qemu.Wait())
}
