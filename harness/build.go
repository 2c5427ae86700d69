package harness

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/fixtures"
)

// A Source is a program to build: its files by their paths, and what to build of them.
type Source struct {
	Name     string
	Language fixtures.Language
	Main     string // C: the file; Go: the package's folder
	Shared   bool   // C: a shared object, whose main another program calls
	Files    map[string][]byte
}

// hostSource is the program in which C fixtures are hosted.
func hostSource() (Source, error) {
	s := Source{Name: "host", Language: fixtures.Go, Main: "./fixtures/host", Files: map[string][]byte{"go.mod": []byte(goMod)}}
	return s, s.read("fixtures/host", "fixtures/fixture")
}

const goMod = "module github.com/tidcheck/tidcheck\n\ngo 1.26\n"

// fixtureSource is a fixture's source as it is embedded in us, or as a user has it, with what we embed beside it.
func fixtureSource(f fixtures.Fixture) (Source, error) {
	s := Source{Name: f.Name, Language: f.Language, Shared: f.Hosted, Files: map[string][]byte{}}
	switch {
	case f.Language == fixtures.C && f.Own:
		s.Main = "cfixtures/" + filepath.Base(f.Source)
		// A header of the user's own has precedence, as it has for the compiler.
		return s, errors.Join(s.readHeaders(), s.readFolder(filepath.Dir(f.Source), "cfixtures", filepath.Base(f.Source), "*.h"))
	case f.Language == fixtures.C:
		s, err := cSource(f.Name)
		s.Shared = f.Hosted
		return s, err
	}
	s.Main = "./fixtures/" + f.Name
	s.Files["go.mod"] = []byte(goMod)
	if f.Own {
		return s, errors.Join(s.readFolder(filepath.Dir(f.Source), "fixtures/"+f.Name, "*"), s.read("fixtures/fixture"))
	}
	return s, s.read("fixtures/"+f.Name, "fixtures/fixture")
}

// readFolder takes in a user's files whose names match a pattern.
func (s *Source) readFolder(from, to string, patterns ...string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("read the source of %s: %w", s.Name, err)
	}
	for _, e := range entries {
		wanted := slices.ContainsFunc(patterns, func(p string) bool {
			ok, _ := filepath.Match(p, e.Name()) // a fixture's own name may be no pattern, but is equal then
			return ok || p == e.Name()
		})
		if !wanted || !e.Type().IsRegular() && e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		content, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return fmt.Errorf("read the source of %s: %w", s.Name, err)
		}
		s.Files[to+"/"+e.Name()] = content
	}
	return nil
}

func cSource(name string) (Source, error) {
	s := Source{Name: name, Language: fixtures.C, Main: "cfixtures/" + name + ".c", Files: map[string][]byte{}}
	return s, errors.Join(s.read(s.Main), s.readHeaders())
}

// readHeaders takes in what C fixtures share.
func (s *Source) readHeaders() error {
	headers, err := fs.Glob(tidcheck.Sources, "cfixtures/*.h")
	return errors.Join(err, s.read(headers...))
}

// read takes in files, and the files of folders, of our embedded sources.
func (s *Source) read(names ...string) error {
	for _, name := range names {
		err := fs.WalkDir(tidcheck.Sources, name, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			s.Files[path], err = tidcheck.Sources.ReadFile(path)
			return err
		})
		if err != nil {
			return fmt.Errorf("read the source of %s: %w", s.Name, err)
		}
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
		cc := os.Getenv("CC")
		if cc == "" {
			cc = "cc"
		}
		return findToolchain("C compiler", "install gcc or clang, or set CC", strings.Fields(cc), "--version")
	}),
	fixtures.Go: sync.OnceValues(func() (toolchain, error) {
		return findToolchain("go command", "install Go and have it in PATH", []string{"go"}, "version")
	}),
}

// Compiler is the version of what builds fixtures of a language, its first line; the error says what is missing.
func Compiler(l fixtures.Language) (string, error) {
	t, err := compilers[l]()
	first, _, _ := strings.Cut(t.version, "\n")
	return first, err
}

// cgo tells why the go command cannot build what is partly C, nil if it can.
var cgo = sync.OnceValue(func() error {
	out, err := exec.Command("go", "env", "CGO_ENABLED", "CC").Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	enabled, cc, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if words := strings.Fields(cc); enabled == "1" && len(words) > 0 {
		_, err = exec.LookPath(words[0])
		return err
	}
	return fmt.Errorf("CGO_ENABLED is %s: set it to 1, and install gcc", enabled)
})

func findToolchain(what, remedy string, command []string, versionFlag string) (toolchain, error) {
	if len(command) == 0 {
		return toolchain{}, &missingError{fmt.Sprintf("a %s: CC is blank: %s", what, remedy)}
	}
	command = slices.Clone(command)
	if path, err := filepath.Abs(command[0]); err == nil && strings.Contains(command[0], "/") {
		command[0] = path // builds are run elsewhere
	}
	out, err := exec.Command(command[0], append(command[1:len(command):len(command)], versionFlag)...).Output()
	if err != nil {
		return toolchain{}, &missingError{fmt.Sprintf("a %s: %v: %s", what, err, remedy)}
	}
	return toolchain{command: command, version: string(out)}, nil
}

// buildCommand is what builds a source, run in the folder of its files.
func buildCommand(s Source, t toolchain, out string) []string {
	if s.Language == fixtures.Go {
		return append(slices.Clone(t.command), "build", "-buildvcs=false", "-o", out, s.Main)
	}
	command := append(slices.Clone(t.command), "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread")
	if s.Shared {
		command = append(command, "-shared", "-fPIC")
	}
	return append(command, "-o", out, s.Main)
}

// Build builds a program, or finds it built: by its content, the compiler's version and
// the command, in a cache that all processes of a user share. It returns the program's path.
func Build(ctx context.Context, s Source) (string, error) {
	return build(ctx, s, runBelowKeeper)
}

// A runner runs a program to its end.
type runner func(ctx context.Context, compiler Spec) (output string, err error)

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
		return program, nil // somebody else has built it meanwhile
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
	compiler := Spec{Argv: buildCommand(s, tools, partial), Env: append(os.Environ(), "GOWORK=off"), Dir: filepath.Join(dir, "src")}
	if out, err := run(ctx, compiler); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", s.Name, err, out)
	}
	return program, os.Rename(partial, program)
}

// key names a build by all that goes into it.
func key(s Source, t toolchain) string {
	h := sha256.New()
	fmt.Fprintln(h, t.version, buildCommand(s, t, ""), runtime.GOARCH, os.Getenv("GOFLAGS"), os.Getenv("CGO_ENABLED"))
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		fmt.Fprintln(h, name, len(s.Files[name]))
		h.Write(s.Files[name])
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// cacheDir is where built programs stay: TIDCHECK_CACHE, or the user's own cache, or, for users
// without one, a folder in the temporary one that is theirs alone.
func cacheDir() (string, error) {
	dir := os.Getenv("TIDCHECK_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil || os.MkdirAll(user, 0o700) != nil {
			user = os.TempDir()
		}
		dir = filepath.Join(user, fmt.Sprintf("tidcheck-%d", os.Getuid()))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache of built fixtures: %w", err)
	}
	info, err := os.Stat(dir)
	if err == nil && !ownedByUs(info) {
		err = errors.New("it belongs to somebody else: set TIDCHECK_CACHE")
	}
	if err != nil {
		return "", fmt.Errorf("use the cache of built fixtures %s: %w", dir, err)
	}
	return filepath.Abs(dir)
}

// keeperProgram builds the keeper. It is built without one; nothing else is.
func keeperProgram(ctx context.Context) (string, error) {
	s, err := cSource("keeper")
	if err != nil {
		return "", err
	}
	return build(ctx, s, func(ctx context.Context, compiler Spec) (string, error) {
		cmd := exec.CommandContext(ctx, compiler.Argv[0], compiler.Argv[1:]...)
		cmd.Env, cmd.Dir = compiler.Env, compiler.Dir
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // killed, it would leave its temporary files
		cmd.WaitDelay = grace                                                 // a compiler's daemon may keep its output open
		out, err := cmd.CombinedOutput()
		if errors.Is(err, exec.ErrWaitDelay) {
			err = nil
		}
		return string(out), err
	})
}

// runBelowKeeper runs a compiler where nothing outlives it, nor do the temporary files that one that is killed leaves.
func runBelowKeeper(ctx context.Context, compiler Spec) (string, error) {
	program, err := keeperProgram(ctx)
	if err != nil {
		return "", err
	}
	k, err := newKeeper(program)
	if err != nil {
		return "", err
	}
	home, err := k.makeHome()
	if err != nil {
		return "", errors.Join(err, k.close())
	}
	compiler.Env = append(compiler.Env, "TMPDIR="+home, "GOTMPDIR="+home)
	out, err := k.output(ctx, compiler)
	return out, errors.Join(err, k.close())
}
