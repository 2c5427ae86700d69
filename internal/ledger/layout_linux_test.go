package ledger

import (
	"fmt"
	"io/fs"
	"os/exec"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/tidcheck/tidcheck"
	"github.com/tidcheck/tidcheck/fixtures"
	"github.com/tidcheck/tidcheck/fixtures/fixture"
	"github.com/tidcheck/tidcheck/internal/build"
	"gotest.tools/v3/assert"
)

// The layout stands twice, for C and for Go. Here it is a line a field.

// layoutInGo is the layout of fixture.Ledger.
func layoutInGo() (lines []string) {
	for _, of := range []reflect.Type{
		reflect.TypeFor[fixture.Ledger](), reflect.TypeFor[fixture.Slot](),
	} {
		name := strings.ToLower(of.Name())
		for i := range of.NumField() {
			if f := of.Field(i); f.Type == reflect.TypeFor[atomic.Uint32]() {
				lines = append(lines, fmt.Sprintf("%s.%s %d %d",
					name, strings.ToLower(f.Name), f.Offset, f.Type.Size()))
			}
		}
	}
	return append(lines, fmt.Sprintf("slots %d %d",
		unsafe.Offsetof(fixture.Ledger{}.Slots), unsafe.Sizeof(fixture.Slot{})))
}

// layoutInC is the layout of cfixtures/fixture.h, as the compiler has it.
func layoutInC(t *testing.T, fields []string) []string {
	t.Helper()
	text := `#include "fixture.h"
#include <stddef.h>
#define FIELD(name, in, field) printf(name "." #field " %zu %zu\n", \
	offsetof(struct in, field), sizeof(((struct in *)0)->field))

int main(void)
{
`
	for _, line := range fields {
		if name, field, ok := strings.Cut(strings.Fields(line)[0], "."); ok {
			text += fmt.Sprintf("\tFIELD(%q, %s, %s);\n", name, name, field)
		}
	}
	text += `	printf("slots %zu %zu\n", offsetof(struct ledger, slots), sizeof(struct slot));
	return 0;
}
`
	s := build.Source{
		Name: "layout", Language: fixtures.C, Main: "layout.c",
		Files: map[string][]byte{"layout.c": []byte(text)},
	}
	headers, err := fs.Glob(tidcheck.Sources, "cfixtures/*.h")
	assert.NilError(t, err)
	for _, name := range headers {
		content, err := tidcheck.Sources.ReadFile(name)
		assert.NilError(t, err)
		s.Files[strings.TrimPrefix(name, "cfixtures/")] = content
	}
	program, err := build.Program(t.Context(), s)
	assert.NilError(t, err)
	out, err := exec.Command(program).Output()
	assert.NilError(t, err)
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestTheLayoutIsTheSameInEachLanguage(t *testing.T) {
	fields := layoutInGo()
	assert.Equal(t, len(fields), 15)
	if diff := cmp.Diff(layoutInC(t, fields), fields); diff != "" {
		t.Errorf("(-cfixtures/fixture.h +fixtures/fixture):\n%s", diff)
	}
}
