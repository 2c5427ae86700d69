package findings

import (
	"testing"

	"gotest.tools/v3/assert"
)

func TestPassesAreDueByTheLeastRate(t *testing.T) {
	for rate, want := range map[float64]int{0.05: 90, 0.2: 21, 0.5: 7} {
		assert.Equal(t, passesDue(rate), want, "rate %v", rate)
	}
	for _, c := range []struct {
		rate Rate
		want int
	}{{Rate{1, 2}, 47}, {Rate{8, 10}, 7}, {Rate{10, 1000}, 845}, {Rate{}, 90}, {Rate{9, 9}, 90}} {
		assert.Equal(t, passesDue(c.rate.least()), c.want, "%v", c.rate)
	}
}
