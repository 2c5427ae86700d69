package limits

import (
	"testing"

	"gotest.tools/v3/assert"
)

// A wait that an adapter gives up by itself is no hang.
func TestAHangIsProvenLaterThanAnyAdapterGivesUp(t *testing.T) {
	assert.Assert(t, Still > Farewell)
	assert.Assert(t, Still > GDBStop)
	assert.Assert(t, Still > LastWords+Grace) // adapter.Unheard waits for both
}
