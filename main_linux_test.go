//go:build amd64 || arm64

package tidcheck_test

import (
	"testing"

	"github.com/tidcheck/tidcheck/internal/testproc"
)

func TestMain(m *testing.M) {
	testproc.Main(m, nil)
}
