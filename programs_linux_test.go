//go:build amd64 || arm64

package tidcheck_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidcheck/tidcheck/tracer"
	"gotest.tools/v3/assert"
)

// A real program was not written for this suite: it has no ledger and no head, and its births
// differ from run to run.
var realPrograms = []struct {
	name  string
	needs []string // commands
	soak  bool     // it takes too long for every day
	files map[string]string
	argv  string
	env   string
}{
	{
		"go build of a package",
		[]string{"go"},
		false,
		map[string]string{
			"go.mod": "module small\n",
			"a.go":   "package small\n\nimport (\n_ \"math\"\n_ \"unicode/utf16\"\n)\n",
		},
		"go build ./...", "GOCACHE=$PWD/cache GOFLAGS=-buildvcs=false GOPROXY=off",
	},
	{
		"go build of a program",
		[]string{"go"},
		true,
		map[string]string{
			"go.mod": "module small\n",
			"a.go":   "package main\n\nfunc main() { println(2) }\n",
		},
		"go build ./...", "GOCACHE=$PWD/cache GOFLAGS=-buildvcs=false GOPROXY=off",
	},
	{
		"go build of this module",
		[]string{"go"},
		true, nil,
		"go build -C $ROOT ./...", "GOCACHE=$PWD/cache GOFLAGS=-buildvcs=false GOPROXY=off",
	},
	{"make", []string{"make", "cc"}, false, makeFiles(8), "make -j4", ""},
	{
		"python",
		[]string{"python3"},
		false,
		map[string]string{"a.py": `
import subprocess, threading
def work():
    for _ in range(5):
        subprocess.run(["true"], check=True)
threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
`},
		"python3 a.py", "",
	},
	{
		"node",
		[]string{"node"},
		false,
		map[string]string{"a.js": `
const { Worker } = require('worker_threads');
const { execFile } = require('child_process');
for (let i = 0; i < 4; i++) {
  new Worker('require("fs").readFileSync("/dev/null")', { eval: true });
  execFile('true', err => { if (err) throw err; });
}
`},
		"node a.js", "",
	},
	{
		"java",
		[]string{"java", "javac"},
		false,
		map[string]string{"A.java": `
class A {
    public static void main(String[] args) throws Exception {
        Thread[] threads = new Thread[8];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = new Thread(() -> {
                try { new ProcessBuilder("true").start().waitFor(); }
                catch (Exception e) { System.exit(1); }
            });
            threads[i].start();
        }
        for (Thread t : threads) t.join();
    }
}
`},
		"java A.java", "",
	},
}

// makeFiles are n C files and the Makefile of a program of them.
func makeFiles(n int) map[string]string {
	files, main, objects := map[string]string{}, "", ""
	for i := range n {
		files[fmt.Sprintf("f%d.c", i)] = fmt.Sprintf("int f%d(void) { return %d; }\n", i, i)
		main += fmt.Sprintf("int f%d(void);\n", i)
		objects += fmt.Sprintf(" f%d.o", i)
	}
	files["main.c"] = main + "int main(void) { return f0(); }\n"
	files["Makefile"] = "main: main.o" + objects + "\n\tcc -o $@ $^\n%.o: %.c\n\tcc -c -o $@ $<\n"
	return files
}

func TestTracerAndWitnessAgreeOnRealPrograms(t *testing.T) {
	root, err := os.Getwd()
	assert.NilError(t, err)
	for _, c := range realPrograms {
		t.Run(c.name, func(t *testing.T) {
			within(t, 5*time.Minute)
			for _, need := range c.needs {
				if _, err := exec.LookPath(need); err != nil {
					t.Skip(err)
				}
			}
			if c.soak && !soak() {
				t.Skip("it takes long: set TIDCHECK_SOAK")
			}
			dir := t.TempDir()
			for name, content := range c.files {
				assert.NilError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
			}
			fill := strings.NewReplacer("$PWD", dir, "$ROOT", root)
			argv := strings.Fields(fill.Replace(c.argv))
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), strings.Fields(fill.Replace(c.env))...)
			var output strings.Builder
			cmd.Stdout, cmd.Stderr = &output, &output
			d := traceAndWitness(t, cmd, tracer.Options{})
			assert.Equal(t, d.status.String(), "0", output.String())
			diff := d.differences()
			assert.Assert(t, diff == "", "%.5000s", diff)
			t.Logf("%d tasks made births or ended, %d births without an event", len(d.witnessed),
				d.completed)
		})
	}
}
