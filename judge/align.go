package judge

import (
	"math"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
)

// The births, attaches and lists that a debugger reports are aligned with the lifetimes of the same
// tid, both in their order. The cheapest alignment is taken: an edit distance with these costs. A
// wrong creator costs more than an unreported life or a repeated report, and less than both.
const (
	costNearlyOver = 1    // the life was over, or nearly, when the debugger attached
	costOtherKind  = 2    // the report is of a thread, and the life a process's, or the reverse
	costUnreported = 4    // a life that had to be reported
	costRepeated   = 4    // a report without a life
	costMisnamed   = 6    // the report names another creator
	costImpossible = 1000 // the life began after the report
)

// beginnings maps the places of the words that begin a life to the lives that they begin.
func (l *labeller) beginnings(c *Case) map[int]*life {
	told := make(map[event.TID][]int)
	for i, w := range c.Words {
		if begins(w.Kind) {
			told[newborn(w.Event)] = append(told[newborn(w.Event)], i)
		}
	}
	unsure := c.mayHaveMissed()
	ready := slices.IndexFunc(c.Words, func(w Word) bool { return w.Kind == event.Ready })
	attached := c.truth.witnessed && !c.Mode.Launches()
	begun := make(map[int]*life, len(c.Words))
	for tid, places := range told {
		lives := l.unborn(tid, c.Attach.Complete)
		cost := func(word, life int) (cost int) {
			w, l := c.Words[places[word]], lives[life]
			if isOtherKind(w.Event, l) {
				cost = costOtherKind
			}
			switch {
			case attached && places[word] < ready && l.born > c.Attach.Complete,
				w.At != 0 && l.born > w.At:
				cost += costImpossible
			case w.Kind != event.Attach && w.TID != 0 && l.Creator != nil && w.TID != l.Maker:
				cost += costMisnamed
			case attached && l.died <= c.Attach.Asked:
				cost += costNearlyOver
			}
			return cost
		}
		due := func(life int) bool {
			l := lives[life]
			return !unsure && (l.First == tid || len(told[l.First]) == 0) && c.debugged(l)
		}
		for word, life := range align(len(places), len(lives), cost, due) {
			if life >= 0 {
				begun[places[word]] = lives[life]
			}
		}
	}
	return begun
}

// isOtherKind tells whether a report makes a thread known and a life is a process's first, or the
// reverse. An attach says it by the process that it names. One that names none fits all lives
// alike.
func isOtherKind(e event.Event, l *life) bool {
	if e.Kind == event.Attach {
		return e.PID != l.PID
	}
	return (e.Kind == event.Clone) != (l.kind() == event.Clone)
}

// unborn are the lives that a report of a birth under this tid may mean: those born with it, and
// those that had taken it over by an exec before the attach was complete.
func (l *labeller) unborn(tid event.TID, attached time.Duration) []*life {
	var lives []*life
	for i, one := range l.lives(tid) {
		if i >= l.now[tid] && (i == 0 || one.First == tid || l.truth.since(one, tid) < attached) {
			lives = append(lives, one)
		}
	}
	return lives
}

// align pairs words with lives at the least cost, and returns each word's life, or -1. A word
// without a life, and a life without a word that is due, each cost something; but the first word
// always gets a life if there is any. That may be a later one, since a debugger that attached need
// not know each life.
func align(words, lives int, cost func(word, life int) int, due func(life int) bool) []int {
	aligned := make([]int, words)
	least := make([][]int, words+1) // the least cost of the words and lives from here on
	for w := range least {
		least[w] = make([]int, lives+1)
	}
	skip := func(w, l int) int {
		if due(l) {
			return least[w][l+1] + costUnreported
		}
		return least[w][l+1]
	}
	pair := func(w, l int) int { return least[w+1][l+1] + cost(w, l) }
	for w := words; w >= 0; w-- {
		for l := lives; l >= 0; l-- {
			if w == words && l == lives {
				continue
			}
			best := math.MaxInt / 2
			if l < lives {
				best = skip(w, l)
			}
			if l < lives && w < words {
				best = min(best, pair(w, l))
			}
			if w < words && (w > 0 || lives == 0) { // the first word cannot repeat another
				best = min(best, least[w+1][l]+costRepeated)
			}
			least[w][l] = best
		}
	}
	for w, l := 0, 0; w < words; {
		switch {
		case l < lives && least[w][l] == pair(w, l):
			aligned[w] = l
			w, l = w+1, l+1
		case l < lives && least[w][l] == skip(w, l):
			l++
		default:
			aligned[w] = -1
			w++
		}
	}
	return aligned
}
