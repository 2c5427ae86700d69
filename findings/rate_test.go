package findings

import (
	"math/rand/v2"
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

// A failure that comes at its rate is said to be mended in one test of a hundred at most; a test
// ends with the first failure. Once it is mended, that is said after as many runs as are due.
func TestMendedIsFalselySaidOnceInAHundred(t *testing.T) {
	const tests = 20000
	random := rand.New(rand.NewPCG(18, 2026))
	for rate, due := range map[float64]int{0.05: 90, 0.2: 21, 0.5: 7} {
		wrong := 0
		for range tests {
			passes := 0
			for passes < due && random.Float64() >= rate {
				passes++
			}
			if passes == due {
				wrong++
			}
		}
		// The error is below 1 % by its definition; chance adds 3 of its deviations, 0.2 %.
		assert.Check(t, float64(wrong) <= (maxError+0.002)*tests, "rate %v: %d of %d", rate, wrong,
			tests)
	}
}
