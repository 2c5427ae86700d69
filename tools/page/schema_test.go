package page

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tidcheck/tidcheck/harness"
	"github.com/tidcheck/tidcheck/judge"
	"github.com/tidcheck/tidcheck/report"
	"gotest.tools/v3/assert"
)

// validate holds the JSON of reports to the schema.
func validate(t *testing.T, reports ...*harness.Report) error {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("../../docs/results.schema.json")
	assert.NilError(t, err)
	var text strings.Builder
	assert.NilError(t, report.MergedJSON(&text, reports))
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(text.String()))
	assert.NilError(t, err)
	return schema.Validate(instance)
}

func TestResultsAreValidByTheirSchema(t *testing.T) {
	r := recorded(t)
	pictures := 0
	for _, one := range r.Results {
		if one.Picture != nil {
			pictures++
		}
	}
	assert.Check(t, pictures > 400, "%d pictures", pictures)
	assert.NilError(t, validate(t, r))
	other := *r
	other.Machine.Kernel, other.Stopped = "6.1.0", "interrupt signal received"
	assert.NilError(t, validate(t, r, &other))
}

// The schema is no blank: it refuses what has no meaning.
func TestTheSchemaRefusesOtherResults(t *testing.T) {
	for name, spoil := range map[string]func(*harness.Report){
		"verdict": func(r *harness.Report) { r.Results[0].Verdict = "MAYBE" },
		"mode":    func(r *harness.Report) { r.Results[0].Mode = "sideways" },
		"runs":    func(r *harness.Report) { r.Results[0].Runs = 0 },
		"suite":   func(r *harness.Report) { r.Suite = "" },
		"form":    func(r *harness.Report) { r.Form = 7 },
		"task": func(r *harness.Report) {
			for _, one := range r.Results {
				if one.Picture != nil {
					one.Picture.Tasks[0].Kind = "spoon"
				}
			}
		},
		"a picture of a pass": func(r *harness.Report) {
			for i := range r.Results {
				r.Results[i].Verdict = judge.Pass
			}
		},
	} {
		r := recorded(t)
		spoil(r)
		assert.Check(t, validate(t, r) != nil, name)
	}
}
