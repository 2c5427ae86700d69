package findings

import (
	"fmt"
	"math"
)

// String is "3 of 10", or that it was not counted.
func (r Rate) String() string {
	if r.N == 0 {
		return "not counted"
	}
	return fmt.Sprintf("%d of %d", r.K, r.N)
}

// uncounted is what a failure's rate is taken for where its count says nothing of it: the least for
// which a test is worth its runs.
const uncounted = 0.05

// least is the least rate that is to be reckoned with for one scenario and rule of a line. Where a
// line names several, its count is of runs in which any of them failed.
func (f Failure) least() float64 {
	if len(f.Configurations)*len(f.Scenarios)*len(f.Rules) > 1 {
		return uncounted
	}
	return f.Rate.least()
}

// least is the lower end of the interval that has the true rate in 95 cases of 100 (Wilson's). Of
// what comes at times and came in all runs that were counted, nothing is known.
func (r Rate) least() float64 {
	if r.K == r.N {
		return uncounted
	}
	const z = 1.959964 // of the normal distribution, 95 % lie as far from its middle
	k, n := float64(r.K), float64(r.N)
	p := k / n
	return (p + z*z/(2*n) - z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))) / (1 + z*z/n)
}

// maxError is how often it may be wrong to say that a failure no longer comes.
const maxError = 0.01

// passesDue is after how many passes, one after another, a failure of a rate no longer comes: so
// many in a row come in one case of a hundred. It is Wald's sequential test against the rate zero,
// in which one failure decides for the rate.
func passesDue(rate float64) int {
	return int(math.Ceil(math.Log(maxError) / math.Log(1-rate)))
}
