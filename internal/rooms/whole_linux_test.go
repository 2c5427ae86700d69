//go:build amd64 || arm64

package rooms

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// A tally counts tests, with their subtests.
type tally struct{ ran, skipped, failed int }

// tallyOf counts in what go test -v prints. A package that does not come to its end is a failure.
func tallyOf(printed string) (n tally) {
	count := func(pattern string) int {
		return len(regexp.MustCompile(pattern).FindAllString(printed, -1))
	}
	n = tally{
		skipped: count(`(?m)^ *--- SKIP: `),
		failed:  count(`(?m)^ *--- FAIL: `) + count(`(?m)^panic: `),
	}
	n.ran = count(`(?m)^ *--- PASS: `) + count(`(?m)^ *--- FAIL: `)
	return n
}

func TestTestsAreCounted(t *testing.T) {
	got := tallyOf("--- PASS: A (0.00s)\n    --- SKIP: A/b (0.00s)\n    --- FAIL: A/c (0.00s)\n" +
		"--- FAIL: B (0.00s)\npanic: it hangs\n")
	assert.Equal(t, got, tally{ran: 3, skipped: 1, failed: 3})
}

// The whole suite in the rooms that the regular expression TIDCHECK_ROOMS names, for hours: no test
// fails, and of root's at least nine of ten run. TIDCHECK_ROOMS_PACKAGES is other than ./... .
func TestTheWholeSuiteInEachRoom(t *testing.T) {
	if os.Getenv("TIDCHECK_ROOMS") == "" {
		t.Skip("it takes hours: set TIDCHECK_ROOMS, or make rooms")
	}
	needRooms(t)
	chosen := regexp.MustCompile("^(" + os.Getenv("TIDCHECK_ROOMS") + ")$")
	module, err := filepath.Abs("../..")
	assert.NilError(t, err)
	caches := t.TempDir()
	for _, dir := range []string{filepath.Dir(caches), caches} {
		assert.NilError(t, os.Chmod(dir, 0o755))
	}
	get := exec.Command("go", "mod", "download")
	from := strings.TrimSpace(goEnv(t, "GOMODCACHE"))
	get.Env = append(os.Environ(), "GOMODCACHE="+caches+"/modules", "GOFLAGS=-modcacherw",
		"GOPROXY=file://"+from+"/cache/download", "GOSUMDB=off")
	get.Dir = module
	out, err := get.CombinedOutput()
	assert.NilError(t, err, string(out))
	roots := 0
	for _, r := range All() {
		if !chosen.MatchString(r.Name) && (r != Room{Name: "root"}) {
			continue
		}
		owner, _, _ := strings.Cut(r.Name, "-")
		built := filepath.Join(caches, owner)
		if err := os.Mkdir(built, 0o755); err == nil && r.User {
			assert.NilError(t, os.Chown(built, UserID, UserID))
		}
		env := []string{
			"PATH=" + os.Getenv("PATH"), "GOMODCACHE=" + caches + "/modules", "GOPROXY=off",
			"GOFLAGS=-buildvcs=false", "GOCACHE=" + built, "GOTMPDIR=" + built,
		}
		packages := strings.Fields(cmp.Or(os.Getenv("TIDCHECK_ROOMS_PACKAGES"), "./..."))
		cmd := command(t, r, env,
			append([]string{"go", "test", "-v", "-count=1", "-p", "1"}, packages...)...)
		cmd.Dir = module
		printed, err := cmd.CombinedOutput()
		n := tallyOf(string(printed))
		t.Logf("%-28s %5d tests run, %4d skipped, %3d failed", r.Name, n.ran, n.skipped, n.failed)
		if err != nil || n.failed > 0 {
			t.Errorf("%s: %v\n%s", r.Name, err, printed)
		}
		if roots == 0 {
			roots = n.ran
		}
		assert.Check(t, n.ran*10 >= roots*9, "%s: %d tests run, and %d in root's", r.Name,
			n.ran, roots)
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	assert.NilError(t, err)
	return string(out)
}
