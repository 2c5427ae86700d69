package tidcheck_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck"
	"gotest.tools/v3/assert"
)

const module = "github.com/tidcheck/tidcheck"

// layout says which packages of ours each may import. A name stands for all below it too, and "."
// is the root.
var layout = []struct {
	packages string
	imports  string
}{
	{
		"cmd",
		"report picture findings debuggers adapter harness judge tracer internal fixtures event .",
	},
	{"report", "harness judge picture fixtures event ."},
	{"debuggers", "findings adapter harness judge tracer witness internal fixtures event ."},
	{"findings", "harness judge"},
	{"adapter", "harness judge internal event"},
	{"harness", "judge picture witness internal fixtures event ."},
	{"internal", "judge witness fixtures event ."},
	{"picture", "judge event"},
	{"judge", "fixtures event"},
	{"fixtures", "fixtures event ."},
	{"witness", "event"},
	{"tracer", "event"},
	{"event", ""},
	{".", ""},
}

// list has the go command list packages, a line each.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Stderr = new(strings.Builder)
	out, err := cmd.Output()
	assert.NilError(t, err, "%v", cmd.Stderr)
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// place is a package of ours by its place in the layout: "harness", "." or, of the others, empty.
func place(importPath string) string {
	rest, ours := strings.CutPrefix(importPath+"/", module+"/")
	if !ours {
		return ""
	}
	top, _, _ := strings.Cut(rest, "/")
	if top == "" {
		return "."
	}
	return top
}

func TestImportsPointOneWay(t *testing.T) {
	known := map[string][]string{}
	for _, l := range layout {
		known[l.packages] = strings.Fields(l.imports)
	}
	for _, line := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		words := strings.Fields(line)
		from := place(words[0])
		allowed, ok := known[from]
		assert.Check(t, ok, "%s has no place in the layout", words[0])
		for _, imported := range words[1:] {
			if to := place(imported); to != "" && to != from {
				assert.Check(t, slices.Contains(allowed, to), "%s may not import %s", words[0],
					imported)
			}
		}
	}
}

// Debuggers and harness meet only in cmd and in tests.
func TestTheHarnessKnowsNoDebugger(t *testing.T) {
	for _, dep := range list(t, "-deps", "./harness") {
		top := place(dep)
		above := slices.Contains([]string{"tracer", "adapter", "debuggers", "report", "cmd"}, top)
		assert.Check(t, !above, "harness depends on %s", dep)
	}
}

// go-cmp is part of what a failing test prints. All else is for tests or tools.
func TestWhatIsImportedByOthersBringsNoTools(t *testing.T) {
	allowed := []string{module, "github.com/google/go-cmp", "golang.org/x/sys"}
	for _, line := range list(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}",
		"./harness", "./judge", "./adapter", "./tracer", "./witness") {
		within := func(a string) bool { return strings.HasPrefix(line+"/", a+"/") }
		assert.Check(t, slices.ContainsFunc(allowed, within), "%s is a dependency", line)
	}
	for _, dep := range list(t, "-deps", "./tracer", "./witness", "./cmd/...") {
		tool := strings.HasPrefix(dep, "gotest.tools/") || strings.Contains(dep, "testscript")
		assert.Check(t, !tool, "%s is a dependency", dep)
	}
}

func TestOnlyTestsImportWhatIsForTests(t *testing.T) {
	for _, line := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		words := strings.Fields(line)
		for _, forTests := range []string{"/internal/testproc", "/internal/rooms"} {
			imports := slices.Contains(words[1:], module+forTests)
			assert.Check(t, !imports, "%s imports %s", words[0], forTests)
		}
	}
}

func TestOnlyTheCommandEditsLines(t *testing.T) {
	for _, line := range list(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		words := strings.Fields(line)
		edits := slices.Contains(words, "golang.org/x/term")
		assert.Check(t, edits == (words[0] == module+"/cmd/tidcheck"),
			"%s imports golang.org/x/term: %v", words[0], edits)
	}
}

func TestSourcesOfFixturesAreEmbedded(t *testing.T) {
	for _, name := range []string{
		"cfixtures/keeper.c", "cfixtures/fixture.h", "cfixtures/fork.c",
		"fixtures/fixture/fixture.go", "fixtures/locked/main.go", "fixtures/cgo/threads.c",
	} {
		_, err := tidcheck.Sources.Open(name)
		assert.NilError(t, err)
	}
}
