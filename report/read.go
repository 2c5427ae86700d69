package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/tidcheck/tidcheck/harness"
)

// A merged file is what WriteJSON makes of several reports that cannot be one.
type merged struct {
	Form    int               `json:"form"`
	Reports []*harness.Report `json:"reports"`
}

// Read reads the reports of a file that run --json or report --json wrote. The error says in one
// line what is wrong with the file.
func Read(name string) ([]*harness.Report, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reports, err := decode(file)
	if err != nil {
		return nil, fmt.Errorf("%s: not a report of run --json: %w", name, err)
	}
	return reports, nil
}

// decode reads one object and what it may have: a report, or several. Results are read one by one,
// since there may be a hundred thousand.
func decode(r io.Reader) ([]*harness.Report, error) {
	decoder := json.NewDecoder(r)
	if !decoder.More() {
		return nil, errors.New("the file is empty")
	}
	one := &harness.Report{}
	reports, err := decodeReport(decoder, one)
	if err != nil {
		return nil, malformed(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the report")
	}
	if f := one.Form; f < 0 || f > harness.FormVersion {
		return nil, fmt.Errorf("its form is %d, and this tidcheck reads form %d", f,
			harness.FormVersion)
	}
	if reports == nil {
		reports = []*harness.Report{one}
	}
	for _, r := range reports {
		if err := check(r); err != nil {
			return nil, err
		}
	}
	return reports, nil
}

// decodeReport reads one report, or those that a merged file has.
func decodeReport(
	d *json.Decoder, r *harness.Report,
) (reports []*harness.Report, err error) {
	err = eachField(d, func(name string) error {
		switch name {
		case "form":
			return d.Decode(&r.Form)
		case "suite":
			return d.Decode(&r.Suite)
		case "machine":
			return d.Decode(&r.Machine)
		case "debuggers":
			return d.Decode(&r.Debuggers)
		case "stopped":
			return d.Decode(&r.Stopped)
		case "shards":
			return d.Decode(&r.Shards)
		case "results":
			return eachElement(d, func() error {
				r.Results = append(r.Results, harness.Result{})
				return d.Decode(&r.Results[len(r.Results)-1])
			})
		case "reports":
			return eachElement(d, func() error {
				part := &harness.Report{}
				reports = append(reports, part)
				_, err := decodeReport(d, part)
				return err
			})
		}
		return d.Decode(new(json.RawMessage)) // of a later tidcheck
	})
	return reports, err
}

// eachField calls read for each field of an object; read takes the field's value.
func eachField(d *json.Decoder, read func(name string) error) error {
	return within(d, '{', func() error {
		name, err := d.Token()
		if err != nil {
			return err
		}
		return read(name.(string)) // the decoder refuses all else there
	})
}

// eachElement calls read for each element of an array.
func eachElement(d *json.Decoder, read func() error) error { return within(d, '[', read) }

// within reads what stands between a bracket and its end.
func within(d *json.Decoder, open json.Delim, read func() error) error {
	first, err := d.Token()
	if err != nil {
		return err
	}
	if first != open {
		kind := map[json.Delim]string{'{': "an object", '[': "an array"}
		return fmt.Errorf("%v stands where %s belongs", first, kind[open])
	}
	for d.More() {
		if err := read(); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// malformed says in a reader's words why JSON could not be read.
func malformed(err error) error {
	var other *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("the file is cut off")
	case errors.As(err, &other) && other.Field != "":
		return fmt.Errorf("its %s is a %s", other.Field, other.Value)
	}
	return err
}

// check refuses a report that has no meaning.
func check(r *harness.Report) error {
	if r == nil || r.Suite == "" || len(r.Results) == 0 {
		return errors.New("it has no results")
	}
	known := make(map[string]bool)
	for _, d := range r.Debuggers {
		known[d.Name] = true
	}
	for i, one := range r.Results {
		switch {
		case one.Scenario == "" || one.Rule == "":
			return fmt.Errorf("result %d names no scenario or no rule", i+1)
		case !slices.Contains(ranks, one.Verdict):
			return fmt.Errorf("result %d: %q is no verdict", i+1, one.Verdict)
		case !known[one.Debugger]:
			return fmt.Errorf("result %d: %q is none of its debuggers", i+1, one.Debugger)
		}
		if err := one.Picture.Check(); err != nil {
			return fmt.Errorf("result %d: its picture: %w", i+1, err)
		}
	}
	return nil
}
