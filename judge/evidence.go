package judge

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidcheck/tidcheck/event"
	"github.com/tidcheck/tidcheck/fixtures"
)

// FormVersion is the version of the form in which evidence is written.
const FormVersion = 1

// Evidence is everything that one run left behind. Rules judge it and nothing else, so a run that
// was kept is judged as it was when it ran. Times are on one clock, CLOCK_MONOTONIC, and count from
// the run's beginning.
type Evidence struct {
	Form     int           `json:"form"`  // FormVersion
	Suite    string        `json:"suite"` // tidcheck's version
	Kernel   string        `json:"kernel"`
	Witness  string        `json:"witness,omitempty"` // where the suite's truth came from, by trial
	Arch     string        `json:"arch"`
	Scenario string        `json:"scenario"` // the fixture's name
	Mode     fixtures.Mode `json:"mode"`
	Own      bool          `json:"own,omitempty"`   // the fixture is a user's own
	Again    string        `json:"again,omitempty"` // the command that runs the scenario once more
	Took     time.Duration `json:"took"`
	Limit    time.Duration `json:"limit"` // how long the run might take

	Debugger Debugger    `json:"debugger"`
	Declared Declaration `json:"declared"`
	Control  Control     `json:"control"`

	Progress Progress `json:"progress"`
	End      End      `json:"end"`
	Attach   Interval `json:"attach"` // of the attach that was to last
	Detach   Interval `json:"detach"` // or the debugger's death, in the mode orphaned
	Program  Program  `json:"program"`

	Words       Words          `json:"said"`
	Rounds      []Round        `json:"rounds,omitempty"`
	Ledger      []Announcement `json:"ledger"`
	Account     Account        `json:"account"`
	Looks       []Look         `json:"looks"`
	Standstills []Standstill   `json:"standstills"`
}

// A Round is an attach of the mode attach_again that was let go of again, or that failed. Evidence
// from before tidcheck kept them has none.
type Round struct {
	Words Words `json:"said"`
	End   End   `json:"end"`
}

// A Debugger is what was held to the rules.
type Debugger struct {
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	Abilities Abilities `json:"abilities"`
}

// Abilities are what a debugger says and which requests it takes, in the words of a hello line.
type Abilities []Ability

// An Ability is a field of what a debugger says, or a request that it takes.
type Ability string

// The abilities.
const (
	Births   Ability = "births"
	Creators Ability = "creators"
	Deaths   Ability = "deaths"
	Statuses Ability = "statuses"
	Execs    Ability = "execs"
	Signals  Ability = "signals"
	Vforks   Ability = "vforks" // it tells a vfork from a fork, and when its creator goes on
	Stop     Ability = "stop"   // it stops the program, and after an attach all of that stands
	Threads  Ability = "threads"
	Detach   Ability = "detach"
	Step     Ability = "step"
)

// AllFields are the abilities of a debugger that says everything.
var AllFields = Abilities{Births, Creators, Deaths, Statuses, Execs, Signals, Vforks}

// Has tells whether all these are among them.
func (a Abilities) Has(wanted ...Ability) bool {
	return !slices.ContainsFunc(wanted, func(w Ability) bool { return !slices.Contains(a, w) })
}

// A Declaration is what the fixture's head says that the kernel does with it.
type Declaration struct {
	Wants  []event.Want `json:"wants"`
	Params event.Params `json:"params"`
}

// A Control is what the fixture did without a debugger.
type Control struct {
	Exact  bool         `json:"exact"` // its births are the same in each run
	Status event.Status `json:"status"`
	Lines  []string     `json:"lines"` // of its output, with birth paths in place of ids
	// Statuses are those with which its tasks ended by the reference tracer's word. It is empty
	// where no reference tracer ran.
	Statuses map[event.Path]event.Status `json:"statuses"`
	// Reached is the last checkpoint that it came to, and Led the last that it came to while its
	// first task lived. Zero is the gate.
	Reached int `json:"reached,omitempty"`
	Led     int `json:"led,omitempty"`
}

// Allows refuses a mode whose steps wait for a checkpoint to which the program does not come by
// itself, or that step a task which ends before.
func (c Control) Allows(m fixtures.Mode) error {
	switch need := m.Checkpoint(); {
	case c.Reached < need:
		return fmt.Errorf("the mode %s needs checkpoint %d, and without a debugger the program "+
			"came no further than %d", m, need, c.Reached)
	case m == fixtures.Stepped && c.Led < need:
		return fmt.Errorf("the mode %s needs main at checkpoint %d, "+
			"and without a debugger it ended on the way", m, need)
	}
	return nil
}

// Progress is how far the steps of a run came.
type Progress struct {
	State  ProgressState `json:"state"`
	Step   string        `json:"step,omitempty"`   // that timed out or failed
	By     Party         `json:"by,omitempty"`     // whose step it was
	Reason string        `json:"reason,omitempty"` // in every state but Done and TimedOut
	// Still is how long nothing had changed when a step timed out that was proven to hang: it was
	// given up before its time was over. Zero if its time was over.
	Still time.Duration `json:"still,omitempty"`
}

// A ProgressState says why a run's steps ended.
type ProgressState string

// The states of a run's progress.
const (
	Done        ProgressState = "done"
	TimedOut    ProgressState = "timed out"   // in Step
	Failed      ProgressState = "failed"      // in Step, by the debugger's doing
	NotSupplied ProgressState = "unsupported" // the debugger does not offer what the scenario needs
	Lacking     ProgressState = "untested"    // this machine lacks what the scenario needs
	OurFault    ProgressState = "unresolved"  // the run proves nothing
)

// A Party is the debugger or the program.
type Party string

// The parties.
const (
	ByDebugger Party = "debugger"
	ByProgram  Party = "program"
)

// An End is how the debugger ended.
type End struct {
	State  EndState `json:"state"`
	Reason string   `json:"reason,omitempty"` // of EndFailed and Unending
}

// An EndState says how a debugger ended.
type EndState string

// The states of a debugger's end.
const (
	NoSession EndState = "no session" // it never had one, or ended it before
	Ended     EndState = "ended"
	EndFailed EndState = "failed"
	Unending  EndState = "unending" // it had to be killed
)

// An Interval is a request to the debugger that takes time: what happens inside may be reported or
// not.
type Interval struct {
	State    IntervalState `json:"state"`
	Asked    time.Duration `json:"asked"`            // unless NotAsked
	Complete time.Duration `json:"complete"`         // in the state Complete alone
	Reason   string        `json:"reason,omitempty"` // of Refused
}

// An IntervalState says how far a request came.
type IntervalState string

// The states of a request.
const (
	NotAsked IntervalState = "not asked"
	Asked    IntervalState = "asked"
	Complete IntervalState = "complete"
	// Refused is the state of an attach that the debugger refused, to a program that another tracer
	// had in part.
	Refused IntervalState = "refused"
)

// A Program is what the fixture's program did that all can see.
type Program struct {
	State  ProgramState  `json:"state"`
	Gate   time.Duration `json:"gate"`   // when it was let through its gate, unless NotBegun
	Status event.Status  `json:"status"` // of Over, where it is known
	Lines  []string      `json:"lines"`  // of its output, as printed
	Alone  bool          `json:"alone"`  // it went on without the debugger, which failed
}

// A ProgramState says how far a program came.
type ProgramState string

// The states of a program.
const (
	NotBegun ProgramState = "not begun" // it did not come to its gate
	Begun    ProgramState = "begun"     // it lived on when the run was over
	Over     ProgramState = "over"
)

// A Word is one event that the debugger told.
type Word struct {
	event.Event
	At   time.Duration // when it was read
	Line string        // the line, packet or message that it was read from, cut at MaxLine bytes
}

// MaxLine is how much of a line a Word keeps, in bytes.
const MaxLine = 1000

// An Announcement is what a task of the program said of itself in a slot of the ledger. Slots stand
// in the order in which the tasks' creators claimed them.
type Announcement struct {
	State   SlotState `json:"state"`
	TID     event.TID `json:"tid,omitempty"` // unless Claimed
	PID     event.TID `json:"pid,omitempty"`
	Creator int       `json:"creator"` // the creator's slot, or UnknownCreator
	// Came is the task's place in the order in which tasks announced themselves. That of two tasks
	// with one id is the order of their lives.
	Came    int `json:"came"`
	Sent    int `json:"sent,omitempty"` // signals that were sent to it
	Handled int `json:"handled,omitempty"`
}

// UnknownCreator is the creator of a task that does not know it.
const UnknownCreator = -1

// A SlotState says what stands in a slot.
type SlotState string

// The states of a slot.
const (
	Claimed  SlotState = "claimed"  // its task never came
	Born     SlotState = "born"     // by its creator
	Executed SlotState = "executed" // no new task: what the creator became by an exec
	Host     SlotState = "host"     // a task of the program that hosts the fixture
)

// An Account is what the kernel told of the program without ptrace, as package witness describes
// it.
type Account struct {
	Source    Source    `json:"source"`
	Reason    string    `json:"reason,omitempty"`    // why there is none, or not each source
	Records   []Record  `json:"records"`             // perf's
	Connector []Record  `json:"connector,omitempty"` // those of the proc connector
	Tracings  []Tracing `json:"tracings,omitempty"`  // the connector's too
	// Cut is the end of the run: what was recorded later is not part of it.
	Cut time.Duration `json:"cut"`
}

// A Source names where the kernel's account came from.
type Source string

// The sources. If the connector lost notices beside perf, the source is perf alone.
const (
	NoAccount        Source = "none"
	Perf             Source = "perf"
	Connector        Source = "connector"
	PerfAndConnector Source = "perf+connector"
)

// A Record is one event with the kernel's time.
type Record struct {
	event.Event
	At time.Duration
}

// A Tracing is an attach to a task, or a detach.
type Tracing struct {
	PID    event.TID     `json:"pid"`
	TID    event.TID     `json:"tid"`
	Tracer event.TID     `json:"tracer"` // the thread that attached, zero at a detach
	At     time.Duration `json:"at"`
}

// A Look is what /proc showed of the program's tasks at one time.
type Look struct {
	When  When          `json:"when"`
	At    time.Duration `json:"at"`
	Tasks []Task        `json:"tasks"`
	// Announced is how many tasks had announced themselves before the look.
	Announced int `json:"announced,omitempty"`
}

// When says at which moment of a run /proc was read.
type When string

// The moments.
const (
	BeforeAttach When = "before the attach"
	AtKill       When = "when the debugger was to be killed"
	BeforeDetach When = "before the detach"
	AfterDetach  When = "after the detach" // or the debugger's death, in the mode orphaned
	AtOverdue    When = "when a step was overdue"

	// Those of a standstill.
	AtStop      When = "standing"
	AfterList   When = "after the list"
	AfterResume When = "left when all went on"
)

// A Standstill is a moment at which all tasks of the program were to stand: after an attach, or a
// stop.
type Standstill struct {
	Where  string      `json:"where"`  // "at the attach"
	Stood  Look        `json:"stood"`  // when the stop was said to be done
	Listed []event.TID `json:"listed"` // by the debugger; empty if it lists nothing
	During Interval    `json:"during"` // when it made the list
	After  Look        `json:"after"`  // the list
	Left   Look        `json:"left"`   // the tasks that stood on when all were to go on
}
