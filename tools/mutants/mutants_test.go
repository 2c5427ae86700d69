package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAWeakTestLetsMutantsLive(t *testing.T) {
	if said, err := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "true").
		CombinedOutput(); err != nil {
		t.Skipf("no pid namespace of our own: %v: %s", err, said)
	}
	const file = "mutants/testdata/weak/weak.go "
	const equivalent = file + "Clamp: change n > most -> >="
	list := filepath.Join(t.TempDir(), "equivalent.txt")
	text := "# A comment.\n" + equivalent + "\n    with n == most it returns\n    the same.\n"
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	r, err := measure(t.Context(), options{
		pkg: "./testdata/weak", tests: "^Test", skip: "^$", only: ".", every: 1,
		equivalent: list, limit: 5 * time.Second,
	}, &out)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		if what, rest, ok := strings.Cut(line, ": line "); ok {
			_, name, _ := strings.Cut(rest, file)
			got = append(got, what+": "+strings.TrimSpace(name))
		}
	}
	want := []string{
		"survived: Clamp: change n < 0 -> <=",
		"survived: Clamp: do not ask most > 0",
		"survived: Clamp: change most > 0 -> >=",
		"survived: Sum: change n > 0 -> >=",
		"timed out: Sum: leave out n--",
		"not reached: Even: change n%2 -> *",
		"not reached: Even: negate n%2 == 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if want := map[outcome]int{
		killed: 16, survived: 4, notReached: 2, timedOut: 1,
	}; !maps.Equal(r.count, want) || r.listed != 1 || len(r.wrong) > 0 {
		t.Errorf("got %v, want %v and one that is equivalent", r, want)
	}
}

func TestAListThatIsOutOfDateIsRefused(t *testing.T) {
	all := []mutant{{file: "a.go", fn: "F", what: "negate x"}}
	r := report{
		count: make(map[outcome]int),
		equivalent: map[string]string{
			"a.go F: negate x": "a reason", "a.go F: negate y": "a reason",
			"gone.go H: negate z":    "a reason",
			"other/b.go G: negate z": "of another package",
		},
	}
	r.add(all[0], killed)
	r.checkList(all)
	want := []string{
		"listed as equivalent, and killed: a.go F: negate x",
		"listed as equivalent, and there is none: a.go F: negate y",
		"listed as equivalent, and there is none: gone.go H: negate z",
	}
	if !slices.Equal(r.wrong, want) {
		t.Errorf("got %q, want %q", r.wrong, want)
	}
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("a.go F: negate x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readEquivalents(list); err == nil {
		t.Error("an entry without a reason was taken")
	}
}
