package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidcheck/tidcheck/debuggers/dap"
	"github.com/tidcheck/tidcheck/harness"
	"gotest.tools/v3/assert"
)

func TestAnAdapterOfTheUsersIsMadeAsItIsOffered(t *testing.T) {
	o := offer{dap: "a 'b c'", tids: "numbers", continues: true}
	assert.NilError(t, o.arguments.Set(`{"cwd":"/x"}`))
	chosen, err := choose([]string{"mine"}, o, []string{"-d"})
	assert.NilError(t, err)
	fields := map[string]any{"cwd": "/x"}
	assert.DeepEqual(t, chosen.debuggers, []harness.Debugger{dap.Debugger{
		Called: "mine", Path: "a", Args: []string{"b c", "-d"}, TIDs: "numbers", Continues: true, Launch: fields, Attach: fields,
	}})
	assert.Equal(t, strings.Join(o.again(), "|"), `--dap|a 'b c'|--dap-tids|numbers|--dap-arguments|{"cwd":"/x"}|--dap-continues`)

	chosen, err = choose([]string{"reference", "book"}, o, nil)
	assert.NilError(t, err)
	var names []string
	for _, d := range chosen.debuggers {
		names = append(names, d.Name())
	}
	assert.DeepEqual(t, names, []string{"dap", "reference", "book"})
}

// The fake adapter of the package dap lists the thread that it was to attach to, and one with the number -1; and it says
// that the program is over when that is to go on.
func TestNumbersOfAnAdapterOfTheUsersAreTranslated(t *testing.T) {
	fake := filepath.Join(t.TempDir(), "fake")
	said, err := exec.Command("go", "test", "-c", "-o", fake, "../../debuggers/dap").CombinedOutput()
	assert.NilError(t, err, string(said))
	const over = `{"seq":0,"type":"event","event":"exited","body":{"exitCode":0}}`
	plan := fmt.Sprintf("say:[(-1, 4712)];continue:Content-Length: %d\r\n\r\n%s", len(over), over)
	run := func(tids string) string {
		chosen, err := choose(nil, offer{dap: "env 'DAP_FAKE=" + plan + "' " + fake, tids: tids}, nil)
		assert.NilError(t, err)
		o := harness.Options{Match: regexp.MustCompile("^fork/attach_before$"), TimeScale: 3}
		report, err := harness.RunAll(t.Context(), chosen.debuggers, o, func([]harness.Result) {})
		assert.NilError(t, err)
		var details []string
		for _, r := range report.Results {
			details = append(details, r.Detail)
		}
		return strings.Join(details, "\n")
	}
	assert.Assert(t, strings.Contains(run(""), "the program had no task -1"))
	assert.Assert(t, strings.Contains(run("numbers"), `was listed, and "[(-1, 4712)]" does not name its kernel id`))
}
