package judge

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// A run that was kept is judged as it was, so nothing here may look at this machine.
func TestJudgeImportsNothingThatLooksAtAMachine(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{join .Imports " "}}`, ".").Output()
	assert.NilError(t, err)
	imports := strings.Fields(string(out))
	assert.Assert(t, slices.Contains(imports, "time"), "%q", imports)
	for _, imported := range imports {
		top, _, _ := strings.Cut(imported, "/")
		machine := top == "os" || top == "net" || top == "syscall" || top == "runtime" ||
			strings.HasPrefix(imported, "golang.org/x/sys") || strings.Contains(imported,
			"/internal/")
		assert.Check(t, !machine, "judge imports %s", imported)
	}
}

// clocks are the functions of package time that read a clock or wait for one.
var clocks = []string{
	"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker",
}

func TestJudgeReadsNoClock(t *testing.T) {
	entries, err := os.ReadDir(".")
	assert.NilError(t, err)
	read := 0
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		assert.NilError(t, err)
		read++
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, ok := call.X.(*ast.Ident)
			reads := ok && from.Name == "time" && slices.Contains(clocks, call.Sel.Name)
			assert.Check(t, !reads, "%s calls time.%s", name, call.Sel.Name)
			return true
		})
	}
	assert.Assert(t, read > 10, "%d files were read", read)
}
