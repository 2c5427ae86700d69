//go:build amd64 || arm64

package tidcheck_test

import (
	"os"
	"testing"

	"github.com/tidcheck/tidcheck/internal/testproc"
)

func TestMain(m *testing.M) {
	testproc.UseTempThatExecutes()
	os.Exit(m.Run())
}
