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

func TestDAPFlagsMakeADebugger(t *testing.T) {
	o := offer{dap: "a 'b c'", tids: "numbers", continues: true, arguments: `{"cwd":"/x"}`}
	chosen, err := choose([]string{"mine"}, o, []string{"-d"})
	assert.NilError(t, err)
	fields := map[string]any{"cwd": "/x"}
	assert.DeepEqual(t, chosen, []harness.Debugger{dap.Debugger{
		Called: "mine", Path: "a", Args: []string{"b c", "-d"}, TIDs: "numbers", Continues: true,
		Launch: fields, Attach: fields,
	}})
	assert.DeepEqual(t, o.again(), []string{
		"--dap", "a 'b c'", "--dap-tids", "numbers", "--dap-arguments", `{"cwd":"/x"}`,
		"--dap-continues",
	})

	chosen, err = choose([]string{"reference", "book"}, o, nil)
	assert.NilError(t, err)
	assert.DeepEqual(t, namesOf(chosen), []string{"dap", "reference", "book"})
}

// The fake adapter of package dap lists the thread that it attached to and one with the number -1.
// At continue it says that the program has ended.
func TestThreadNumbersOfAnAdapterAreTranslated(t *testing.T) {
	fake := filepath.Join(t.TempDir(), "fake")
	build := exec.Command("go", "test", "-c", "-o", fake, "../../debuggers/dap")
	said, err := build.CombinedOutput()
	assert.NilError(t, err, string(said))
	const over = `{"seq":0,"type":"event","event":"exited","body":{"exitCode":0}}`
	plan := fmt.Sprintf("say:[(-1, 4712)];continue:Content-Length: %d\r\n\r\n%s", len(over), over)
	run := func(tids string) string {
		o := offer{dap: "env 'DAP_FAKE=" + plan + "' " + fake, tids: tids}
		chosen, err := choose(nil, o, nil)
		assert.NilError(t, err)
		opts := harness.Options{Match: regexp.MustCompile("^fork/attach_before$"), TimeScale: 3}
		report, err := harness.RunAll(t.Context(), chosen, opts, func([]harness.Result) {})
		assert.NilError(t, err)
		var details []string
		for _, r := range report.Results {
			details = append(details, r.Detail)
		}
		return strings.Join(details, "\n")
	}
	if got := run(""); !strings.Contains(got, "task -1") {
		t.Errorf("without --dap-tids: got %q, want one about task -1", got)
	}
	if got := run("numbers"); !strings.Contains(got, `"[(-1, 4712)]"`) {
		t.Errorf("with --dap-tids: got %q, want one about that answer", got)
	}
}
