package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidcheck/tidcheck/internal/transcript"
	"github.com/tidcheck/tidcheck/judge"
)

// A runFolder is where one run is kept: evidence.json, which `tidcheck check` judges again, files
// that people read, and a script that runs the scenario once more. A nil one keeps nothing.
type runFolder struct {
	path string
	log  *transcript.Log
}

// folderOf is where the nth run of a scenario is kept.
func (o Options) folderOf(d Debugger, s Scenario, n int) *runFolder {
	if o.Keep == "" {
		return nil
	}
	run := s.Fixture.Name + "-" + string(s.Mode)
	if o.Repeat > 1 {
		run += fmt.Sprintf("-%d", n+1)
	}
	name := strings.ReplaceAll(d.Name(), "/", "_") // NAME=PATH is one folder
	if strings.Trim(name, ".") == "" {
		name = "_" + name // it would be another folder than one of Keep's
	}
	return &runFolder{filepath.Join(o.Keep, name, run), transcript.New()}
}

// transcript is where a run notes what is said.
func (f *runFolder) transcript() *transcript.Log {
	if f == nil {
		return nil
	}
	return f.log
}

// keep writes what a run left behind, and tells its results where.
func (f *runFolder) keep(e *judge.Evidence, results []Result) error {
	if f == nil {
		return nil
	}
	for i := range results {
		results[i].Kept = f.path
	}
	verdicts, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	var evidence strings.Builder
	if err := e.Encode(&evidence); err != nil {
		return err
	}
	run := judge.Open(e)
	files := map[string]string{
		evidenceFile: evidence.String(), "results.json": string(verdicts) + "\n",
		"protocol.log": f.log.Content(), "said.jsonl": run.ShowWords(),
		"proc.txt": run.ShowLooks(), "truth.txt": run.ShowTruth(),
	}
	if e.Again != "" {
		files["again.sh"] = "#!/bin/sh\n" + e.Again + "\n"
	}
	errs := []error{os.MkdirAll(f.path, 0o755)}
	for name, content := range files {
		mode := os.FileMode(0o644)
		if filepath.Ext(name) == ".sh" {
			mode = 0o755
		}
		errs = append(errs, os.WriteFile(filepath.Join(f.path, name), []byte(content), mode))
	}
	return errors.Join(errs...)
}

// evidenceFile is the file in a kept run's folder that has its evidence.
const evidenceFile = "evidence.json"

// JudgeKept judges a run again that Options.Keep left in a folder, by its evidence alone.
func JudgeKept(folder string) (*Report, error) {
	name := filepath.Join(folder, evidenceFile)
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read a run that was kept: %w", err)
	}
	defer file.Close()
	e, err := judge.Decode(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	results := Results(e)
	for i := range results {
		results[i].Kept = folder
	}
	return &Report{
		Suite: e.Suite, Machine: Machine{Kernel: e.Kernel, Arch: e.Arch, Witness: e.Witness},
		Debuggers: []Identity{{e.Debugger.Name, e.Debugger.Version}}, Results: results,
	}, nil
}
