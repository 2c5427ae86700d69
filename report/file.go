package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// A File is one that results are written to. A regular file is written beside its place and then
// renamed, so that a write that fails leaves what was there before.
type File struct {
	name   string
	direct *os.File    // a device, a pipe or standard output, which cannot be renamed to
	mode   fs.FileMode // of the file that is there; zero if there is none
}

// Create makes sure that a file can be written, as far as that can be known before there is
// anything to write. The name - is standard output.
func Create(name string) (*File, error) {
	if name == "-" {
		return &File{name: name, direct: os.Stdout}, nil
	}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		f := &File{name: name}
		beside, err := f.beside()
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: reason(err)}
		}
		return f, errors.Join(beside.Close(), os.Remove(beside.Name()))
	}
	if err != nil {
		return nil, err
	}
	there, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return &File{name: name, direct: there}, nil
	}
	return &File{name: name, mode: info.Mode().Perm()}, there.Close()
}

// beside makes a file beside the place of this one. A symbolic link is followed.
func (f *File) beside() (*os.File, error) {
	place := f.place()
	name := fmt.Sprintf(".%s.%08x", filepath.Base(place), rand.Uint32())
	return os.OpenFile(filepath.Join(filepath.Dir(place), name),
		os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

func (f *File) place() string {
	if place, err := filepath.EvalSymlinks(f.name); err == nil {
		return place
	}
	return f.name
}

// Write writes the file by calling write. If that fails, the file is as it was before.
func (f *File) Write(write func(io.Writer) error) error {
	if f.direct != nil {
		err := buffered(f.direct, write)
		if f.direct == os.Stdout {
			return err
		}
		return errors.Join(err, f.direct.Close())
	}
	beside, err := f.beside()
	if err != nil {
		return &fs.PathError{Op: "open", Path: f.name, Err: reason(err)}
	}
	if f.mode != 0 {
		err = beside.Chmod(f.mode)
	}
	err = errors.Join(err, buffered(beside, write), beside.Sync(), beside.Close())
	if err == nil {
		err = os.Rename(beside.Name(), f.place())
	}
	if err != nil {
		os.Remove(beside.Name()) // the first error is the one to tell
		return &fs.PathError{Op: "write", Path: f.name, Err: reason(err)}
	}
	return nil
}

func buffered(w io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 1<<16)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// reason is an error without the name of the file that was made beside another.
func reason(err error) error {
	var at *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &at):
		return at.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
