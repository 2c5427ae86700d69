//go:build linux

package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cavaliergopher/cpio"
)

// makeImage builds tidcheck and all fixtures, and makes an initramfs of them.
func makeImage(folder string) (string, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	cache := filepath.Join(folder, "cache")
	tidcheck := filepath.Join(folder, "tidcheck")
	withCache := []string{"TIDCHECK_CACHE=" + cache}
	for _, c := range []struct {
		env, args []string
	}{
		{[]string{"CGO_ENABLED=0"}, []string{"go", "build", "-o", tidcheck, "./cmd/tidcheck"}},
		// A run of each scenario builds each fixture, in a way that the machine finds again.
		{withCache, []string{tidcheck, "run", "reference"}},
		{withCache, []string{tidcheck, "run", "--run", "^fork/attach_before$", "book"}},
	} {
		command := exec.Command(c.args[0], c.args[1:]...)
		command.Env = append(os.Environ(), c.env...)
		out, err := command.CombinedOutput()
		isAccused := c.args[len(c.args)-1] == "book" && command.ProcessState.ExitCode() == 1
		if err != nil && !isAccused {
			return "", fmt.Errorf("%s: %w\n%s", strings.Join(c.args, " "), err, out)
		}
	}
	name := filepath.Join(folder, "initramfs")
	file, err := os.Create(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	compressed, _ := gzip.NewWriterLevel(file, gzip.BestSpeed) // the level is valid
	image := &image{Writer: cpio.NewWriter(compressed), made: make(map[string]bool)}
	return name, errors.Join(image.fill(tidcheck, cache), image.Close(), compressed.Close(),
		file.Close())
}

// An image is the archive that a kernel unpacks as its first file system.
type image struct {
	*cpio.Writer
	made map[string]bool
}

func (i *image) fill(tidcheck, cache string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	errs := []error{i.copy(self, "init"), i.copy(tidcheck, "bin/tidcheck")}
	for _, question := range [][]string{
		{"cc", "--version"},
		{"gcc"},
		{"go", "version"},
		{"go", "env", "-json=false", "CGO_ENABLED", "CC"},
	} {
		errs = append(errs, i.answer(question))
	}
	errs = append(errs, filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
		inside, _ := filepath.Rel(cache, path) // path is below cache
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "src":
			return fs.SkipDir
		case !d.Type().IsRegular() || d.Name() == "lock":
			return nil
		}
		return errors.Join(i.copy(path, "cache/"+inside), i.libraries(path))
	}))
	return errors.Join(errs...)
}

// answer has a compiler in the machine say what the one here says.
func (i *image) answer(question []string) error {
	if name := question[0]; !i.made["bin/"+name] {
		if err := i.write("bin/"+name, cpio.TypeSymlink|0o777, []byte("/init")); err != nil {
			return err
		}
	}
	if len(question) == 1 {
		return nil
	}
	out, err := exec.Command(question[0], question[1:]...).Output()
	if err != nil {
		return err
	}
	name := "versions/" + strings.Join(question, "_")
	return i.write(name, cpio.TypeReg|0o644, out)
}

// needed are the absolute paths that ldd prints.
var needed = regexp.MustCompile(`(?m)(/\S+) \(0x`)

// libraries adds the shared libraries of a program.
func (i *image) libraries(program string) error {
	out, _ := exec.Command("ldd", program).Output() // a static program is an error
	var errs []error
	for _, m := range needed.FindAllStringSubmatch(string(out), -1) {
		errs = append(errs, i.copy(m[1], m[1][1:]))
		if library := filepath.Dir(m[1]) + "/libgcc_s.so.1"; filepath.Base(m[1]) == "libc.so.6" {
			errs = append(errs, i.copy(library, library[1:])) // glibc loads it in pthread_exit
		}
	}
	return errors.Join(errs...)
}

func (i *image) copy(from, to string) error {
	if i.made[to] {
		return nil
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	return i.write(to, cpio.TypeReg|cpio.FileMode(info.Mode().Perm()), content)
}

// write adds a file, and the folders that it is in.
func (i *image) write(name string, mode cpio.FileMode, content []byte) error {
	if i.made[name] {
		return nil
	}
	i.made[name] = true
	if parent := filepath.Dir(name); parent != "." {
		if err := i.write(parent, cpio.TypeDir|0o755, nil); err != nil {
			return err
		}
	}
	header := &cpio.Header{Name: name, Mode: mode, Size: int64(len(content)), Links: 1}
	if mode&cpio.ModeType == cpio.TypeSymlink {
		header.Linkname = string(content)
	}
	if err := i.WriteHeader(header); err != nil {
		return err
	}
	_, err := i.Write(content)
	return err
}
