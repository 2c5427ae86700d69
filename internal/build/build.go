// Package build builds fixtures, their host and the keeper from their sources: once for each
// content of the sources and each compiler.
package build

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/internal/keeper"
	"github.com/tidcheck/tidcheck/internal/limits"
)

// A Source is a program to build: its files by their paths, and what to build of them.
type Source struct {
	Name     string
	Language fixtures.Language
	Main     string // C: the file; Go: the package's folder
	Shared   bool   // C: a shared object, whose main another program calls
	Files    map[string][]byte

	users string // the user's file of which it is a copy; empty if it is ours
}

const goMod = "module github.com/tidcheck/tidcheck\n\ngo 1.26\n"

// newSource is a program's source: its own files, from a folder, beside those that programs of its
// language share.
func newSource(
	name string, language fixtures.Language, main string, files fs.FS, from string,
) (Source, error) {
	s := Source{Name: name, Language: language, Main: main, Files: map[string][]byte{}}
	if language == fixtures.C {
		err := s.add(tidcheck.Sources, "cfixtures", "cfixtures", "*.h")
		return s, errors.Join(err, s.add(files, from, "cfixtures", path.Base(main), "*.h"))
	}
	s.Files["go.mod"] = []byte(goMod)
	err := s.add(tidcheck.Sources, "fixtures/fixture", "fixtures/fixture", "*")
	return s, errors.Join(err, s.add(files, from, path.Clean(main), "*"))
}

// Host is the program in which C fixtures are hosted.
func Host() (Source, error) {
	return newSource("host", fixtures.Go, "./fixtures/host", tidcheck.Sources, "fixtures/host")
}

// Fixture is a fixture's source: as it is embedded in us, or as a user has it with what we embed
// beside it. A header of the user's own has precedence, as it has for the compiler.
func Fixture(f fixtures.Fixture) (Source, error) {
	var files fs.FS = tidcheck.Sources
	from, file := path.Split(f.Source)
	if f.Own {
		files, from = os.DirFS(filepath.Dir(f.Source)), "."
	}
	main := "./fixtures/" + f.Name
	if f.Language == fixtures.C {
		main = "cfixtures/" + file
	}
	s, err := newSource(f.Name, f.Language, main, files, path.Clean(from))
	s.Shared = f.Hosted
	if f.Own {
		s.users = f.Source
	}
	return s, err
}

// add takes in the files of a folder whose names are given, or match a pattern.
func (s *Source) add(files fs.FS, from, to string, names ...string) error {
	entries, err := fs.ReadDir(files, from)
	for _, e := range entries {
		wanted := slices.ContainsFunc(names, func(name string) bool {
			ok, _ := path.Match(name, e.Name()) // a name need not be a pattern
			return ok || name == e.Name()
		})
		if !wanted || !e.Type().IsRegular() && e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		var content []byte
		if content, err = fs.ReadFile(files, path.Join(from, e.Name())); err != nil {
			break
		}
		s.Files[to+"/"+e.Name()] = content
	}
	if err != nil {
		return fmt.Errorf("read the source of %s: %w", s.Name, err)
	}
	return nil
}

// A toolchain is what builds one language, with what its version prints.
type toolchain struct {
	command []string
	version string
}

// compilers asks each toolchain for its version once.
var compilers = map[fixtures.Language]func() (toolchain, error){
	fixtures.C: sync.OnceValues(func() (toolchain, error) {
		cc := strings.Fields(cmp.Or(os.Getenv("CC"), "cc"))
		return findToolchain("C compiler", "install gcc or clang, or set CC", cc, "--version")
	}),
	fixtures.Go: sync.OnceValues(func() (toolchain, error) {
		return findToolchain("go command", "install Go and have it in PATH", []string{"go"},
			"version")
	}),
}

// Compiler is the first line of what the compiler of a language prints as its version. The error
// says what is missing.
func Compiler(l fixtures.Language) (string, error) {
	t, err := compilers[l]()
	first, _, _ := strings.Cut(t.version, "\n")
	return first, err
}

// Cgo says why the go command cannot build programs that are partly C, nil if it can.
var Cgo = sync.OnceValue(askCgo)

func askCgo() error {
	// GOFLAGS=-json is a way to have go test print JSON, and go env heeds it too.
	cmd := exec.Command("go", "env", "-json=false", "CGO_ENABLED", "CC")
	cmd.Dir = "/"
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	enabled, cc, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if words := strings.Fields(cc); enabled == "1" && len(words) > 0 {
		_, err = exec.LookPath(words[0])
		return err
	}
	return fmt.Errorf("CGO_ENABLED is %s: set it to 1, and install gcc", enabled)
}

func findToolchain(what, remedy string, command []string, versionFlag string) (toolchain, error) {
	if len(command) == 0 {
		return toolchain{}, fmt.Errorf("%w a %s: CC is blank: %s", ErrMissing, what, remedy)
	}
	if path, err := filepath.Abs(command[0]); err == nil && strings.Contains(command[0], "/") {
		command[0] = path // builds are run elsewhere
	}
	if os.Getenv("PATH") == "" {
		remedy += ", and set PATH, which is empty"
	}
	cmd := exec.Command(command[0], append(command[1:], versionFlag)...)
	cmd.Dir = "/" // go is at a loss where our own folder was removed
	out, err := cmd.Output()
	if err != nil {
		return toolchain{}, fmt.Errorf("%w a %s: %w: %s", ErrMissing, what, err, remedy)
	}
	return toolchain{command: command, version: string(out)}, nil
}

// buildCommand is what builds a source, run in the folder of its files.
func buildCommand(s Source, t toolchain, out string) []string {
	if s.Language == fixtures.Go {
		return append(slices.Clone(t.command), "build", "-buildvcs=false", "-o", out, s.Main)
	}
	// A newer compiler may warn of more, which is no fault of its user's. Tests build with -Werror.
	command := append(slices.Clone(t.command), "-O1", "-g", "-Wall", "-Wextra", "-pthread")
	if s.Shared {
		command = append(command, "-shared", "-fPIC")
	}
	return append(command, "-o", out, s.Main)
}

// Program builds a program, or finds it built: by its content, the compiler's version and the
// command, in a cache that all processes of a user share. It returns the program's path. The error
// is ErrMissing if this machine has no compiler for it.
func Program(ctx context.Context, s Source) (string, error) {
	return build(ctx, s, runBelowKeeper)
}

// ErrMissing is the error if this machine lacks a compiler.
var ErrMissing = errors.New("this machine lacks")

// A runner runs a program to its end.
type runner func(ctx context.Context, compiler keeper.Spec) (output string, err error)

func build(ctx context.Context, s Source, run runner) (string, error) {
	tools, err := compilers[s.Language]()
	if err != nil {
		return "", err
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, s.Name+"-"+key(s, tools))
	program := filepath.Join(dir, s.Name)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(program); err == nil {
		return program, nil // another process has built it meanwhile
	}
	for name, content := range s.Files {
		file := filepath.Join(dir, "src", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return "", err
		}
	}
	partial := program + ".partial"
	compiler := keeper.Spec{
		Argv: buildCommand(s, tools, partial),
		Env:  append(append(os.Environ(), "GOWORK=off"), goCache(cache)...),
		Dir:  filepath.Join(dir, "src"),
	}
	if out, err := run(ctx, compiler); err != nil {
		return "", &Failure{s.Name, err, s.forUser(out)}
	}
	return program, os.Rename(partial, program)
}

// A Failure is the error if a compiler refuses a program.
type Failure struct {
	Name   string // the program's
	Err    error
	Output string // the compiler's
}

func (f *Failure) Error() string { return fmt.Sprintf("build %s: %v\n%s", f.Name, f.Err, f.Output) }
func (f *Failure) Unwrap() error { return f.Err }

// forUser is a compiler's output with the user's file in place of our copy.
func (s Source) forUser(output string) string {
	if s.users == "" {
		return output
	}
	copied := s.Main
	if s.Language == fixtures.Go {
		copied = path.Join(s.Main, filepath.Base(s.users))
	}
	return strings.ReplaceAll(output, copied, s.users)
}

// key names a build by all that goes into it.
func key(s Source, t toolchain) string {
	h := sha256.New()
	fmt.Fprintln(h, t.version, buildCommand(s, t, ""), runtime.GOARCH, os.Getenv("GOFLAGS"),
		os.Getenv("CGO_ENABLED"))
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		fmt.Fprintln(h, name, len(s.Files[name]))
		h.Write(s.Files[name])
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// cacheDir is where built programs stay: TIDCHECK_CACHE, or the first that will do of the user's
// own cache and of folders of the user's alone in TMPDIR and /var/tmp.
func cacheDir() (string, error) {
	if dir := os.Getenv("TIDCHECK_CACHE"); dir != "" {
		if err := useCache(dir); err != nil {
			return "", err
		}
		return filepath.Abs(dir)
	}
	var errs []error
	for _, parent := range []func() (string, error){
		os.UserCacheDir,
		func() (string, error) { return os.TempDir(), nil },
		func() (string, error) { return "/var/tmp", nil },
	} {
		dir, err := parent()
		if err == nil {
			dir = filepath.Join(dir, fmt.Sprintf("tidcheck-%d", os.Getuid()))
			err = useCache(dir)
		}
		if err == nil {
			return filepath.Abs(dir)
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// useCache makes a folder for programs, if it is not there. The error says why it will not do.
func useCache(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the cache of built fixtures: %w: set TIDCHECK_CACHE", err)
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
	case !ownedByUs(info):
		err = errors.New("it belongs to another user")
	default:
		err = mayExecute(dir)
	}
	if err != nil {
		return fmt.Errorf("use the cache of built fixtures %s: %w: set TIDCHECK_CACHE", dir, err)
	}
	return nil
}

// goCache is where the go command keeps its own cache, as a variable of its environment, if that
// cannot be where it would be.
func goCache(ours string) []string {
	if os.Getenv("GOCACHE") != "" {
		return nil
	}
	dir, err := os.UserCacheDir()
	if err == nil {
		dir = filepath.Join(dir, "go-build")
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil && mayExecute(dir) == nil {
		return nil
	}
	return []string{"GOCACHE=" + filepath.Join(ours, "go-build")}
}

// Keeper builds the keeper, and returns its path. It alone is built without a keeper.
func Keeper(ctx context.Context) (string, error) {
	s, err := newSource("keeper", fixtures.C, "cfixtures/keeper.c", tidcheck.Sources, "cfixtures")
	if err != nil {
		return "", err
	}
	return build(ctx, s, func(ctx context.Context, compiler keeper.Spec) (string, error) {
		cmd := exec.CommandContext(ctx, compiler.Argv[0], compiler.Argv[1:]...)
		cmd.Env, cmd.Dir = compiler.Env, compiler.Dir
		// A compiler that is killed would leave its temporary files.
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = limits.Grace // a compiler's daemon may keep its output open
		out, err := cmd.CombinedOutput()
		if errors.Is(err, exec.ErrWaitDelay) {
			err = nil
		}
		return string(out), err
	})
}

// StartKeeper builds the keeper and starts it.
func StartKeeper(ctx context.Context) (*keeper.Keeper, error) {
	program, err := Keeper(ctx)
	if err != nil {
		return nil, err
	}
	return keeper.New(program)
}

// runBelowKeeper runs a compiler where nothing outlives it, and no temporary file of one that is
// killed is left.
func runBelowKeeper(ctx context.Context, compiler keeper.Spec) (string, error) {
	k, err := StartKeeper(ctx)
	if err != nil {
		return "", err
	}
	home, err := k.Home()
	if err != nil {
		return "", errors.Join(err, k.Close())
	}
	compiler.Env = append(compiler.Env, "TMPDIR="+home, "GOTMPDIR="+home)
	out, err := k.Output(ctx, compiler)
	return out, errors.Join(err, k.Close())
}
