package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A binary is a package's test binary with all mutants in it.
type binary struct {
	path    string
	dir     string // where tests run: the package's folder
	temp    string
	mutants []mutant
	tests   []test
}

//go:embed support.go.txt
var support string

// A listed is what go list says of a package.
type listed struct {
	Dir, ImportPath, Name, Export string
	GoFiles                       []string
	Module                        struct{ Dir string }
}

// list has the go command list a package and all that it imports, the package last.
func list(pkg string) ([]listed, error) {
	out, err := output("go", "list", "-deps", "-export",
		"-json=Dir,ImportPath,Name,Export,GoFiles,Module", pkg)
	if err != nil {
		return nil, err
	}
	var all []listed
	for in := json.NewDecoder(strings.NewReader(out)); ; {
		var one listed
		if err := in.Decode(&one); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
}

func output(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	said := new(strings.Builder)
	cmd.Stderr = said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, said)
	}
	return string(out), nil
}

// build writes the mutants of a package into copies of its files, and builds its tests with those.
func build(temp, pkg string) (*binary, error) {
	all, err := list(pkg)
	if err != nil {
		return nil, err
	}
	p := all[len(all)-1]
	m := &mutator{fset: token.NewFileSet(), seen: make(map[string]int)}
	files, err := m.check(p, all)
	if err != nil {
		return nil, err
	}
	overlay := make(map[string]string)
	replace := func(name, text string) error {
		copied := filepath.Join(temp, filepath.Base(name))
		overlay[name] = copied
		return os.WriteFile(copied, []byte(text), 0o600)
	}
	for i, f := range files {
		name := filepath.Join(p.Dir, p.GoFiles[i])
		source, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		short, err := filepath.Rel(p.Module.Dir, name)
		if err != nil {
			return nil, err
		}
		if err := replace(name, m.mutate(short, source, f)); err != nil {
			return nil, err
		}
	}
	helpers := strings.Replace(support, "PACKAGE", p.Name, 1)
	if err := replace(filepath.Join(p.Dir, "mutants_support.go"), helpers); err != nil {
		return nil, err
	}
	described, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return nil, err
	}
	b := &binary{
		path: filepath.Join(temp, "tests"), dir: p.Dir, temp: temp, mutants: m.mutants,
	}
	name := filepath.Join(temp, "overlay.json")
	if err := os.WriteFile(name, described, 0o600); err != nil {
		return nil, err
	}
	_, err = output("go", "test", "-c", "-vet=off", "-overlay", name, "-o", b.path, pkg)
	return b, err
}

// check parses a package's files and finds the types of all expressions.
func (m *mutator) check(p listed, all []listed) ([]*ast.File, error) {
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(m.fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	exports := make(map[string]string)
	for _, one := range all {
		exports[one.ImportPath] = one.Export
	}
	m.info = &types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue), Uses: make(map[*ast.Ident]types.Object),
	}
	from := importer.ForCompiler(m.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	_, err := (&types.Config{Importer: from}).Check(p.ImportPath, m.fset, files, m.info)
	return files, err
}
