package picture

import (
	"slices"
)

// How much is drawn at most. A picture of that size can still be read, and its JSON stays below
// some 30 KB.
const (
	maxTasks = 20
	maxMarks = 120
	maxWrong = 12 // of one rule
)

// fold leaves of a drawing what is near the violations, and counts the rest.
func (d *drawing) fold(wrong [][]Wrong) {
	for i, all := range wrong {
		if len(all) > maxWrong {
			d.Folded.Wrong += len(all) - maxWrong
			wrong[i] = all[:maxWrong]
		}
	}
	lanes := d.foldTasks(wrong)
	marks := d.foldMarks(lanes, wrong)
	for _, all := range wrong {
		for i, w := range all {
			all[i].Task, all[i].Mark = placeOf(lanes, w.Task), placeOf(marks, w.Mark)
		}
	}
}

// placeOf is where something stands after folding, None if it is folded.
func placeOf(kept map[int]int, was int) int {
	if now, ok := kept[was]; ok && was != None {
		return now
	}
	return None
}

// foldTasks keeps the program's first task, the tasks of the first violations of each rule with
// those that created them, and their neighbours in the order of births. It returns their new
// places.
func (d *drawing) foldTasks(wrong [][]Wrong) map[int]int {
	keep := make(map[int]bool)
	add := func(n int) {
		if n >= 0 && n < len(d.Tasks) && len(keep) < maxTasks {
			keep[n] = true
		}
	}
	if len(d.Tasks) > 0 {
		add(0)
	}
	var centres []int
	for rank := range maxWrong { // the first of each rule comes before the second of any
		for _, all := range wrong {
			if rank >= len(all) || all[rank].Task == None || len(keep) >= maxTasks-2 {
				continue
			}
			n := all[rank].Task
			centres = append(centres, n)
			add(n)
			add(d.Tasks[n].Creator)
		}
	}
	if len(centres) == 0 {
		centres = []int{0}
	}
	for far := 1; len(keep) < min(maxTasks, len(d.Tasks)) && far < len(d.Tasks); far++ {
		for _, n := range centres {
			add(n - far)
			add(n + far)
		}
	}
	places := make(map[int]int, len(keep))
	tasks := make([]Task, 0, len(keep))
	for n, t := range d.Tasks {
		if keep[n] {
			places[n] = len(tasks)
			tasks = append(tasks, t)
		}
	}
	for i, t := range tasks {
		tasks[i].Creator = placeOf(places, t.Creator)
	}
	d.Folded.Tasks = len(d.Tasks) - len(tasks)
	d.Tasks = tasks
	return places
}

// foldMarks keeps the marks of the tasks that are kept: births, ends and what is wrong, and of the
// others those nearest to the first violation. It returns their new places.
func (d *drawing) foldMarks(lanes map[int]int, wrong [][]Wrong) map[int]int {
	var its []int // the places of the marks whose tasks are kept
	must := make(map[int]bool)
	for i, m := range d.Marks {
		_, kept := lanes[m.Task]
		child, keptChild := lanes[m.Child]
		if !kept || m.Child != None && !keptChild {
			continue
		}
		its = append(its, i)
		d.Marks[i].Task = lanes[m.Task]
		if m.Child != None {
			d.Marks[i].Child = child
		}
		must[i] = m.By == Kernel && m.Kind != "exec"
	}
	centre := d.centre(its, wrong, must)
	chosen := make([]int, 0, maxMarks)
	for _, i := range its {
		if must[i] && len(chosen) < maxMarks {
			chosen = append(chosen, i)
		}
	}
	for far := 0; far < len(its) && len(chosen) < maxMarks; far++ {
		for _, at := range slices.Compact([]int{centre - far, centre + far}) {
			if at >= 0 && at < len(its) && !must[its[at]] && len(chosen) < maxMarks {
				chosen = append(chosen, its[at])
			}
		}
	}
	slices.Sort(chosen)
	places, marks := make(map[int]int, len(chosen)), make([]Mark, 0, len(chosen))
	for _, i := range chosen {
		places[i] = len(marks)
		marks = append(marks, d.Marks[i])
	}
	d.Folded.Marks = len(d.Marks) - len(marks)
	d.Marks = marks
	return places
}

// centre is the place in its of the first violation of any rule. What is wrong is kept.
func (d *drawing) centre(its []int, wrong [][]Wrong, must map[int]bool) int {
	centre := len(its)
	for _, all := range wrong {
		for rank, w := range all {
			if w.Mark != None {
				must[w.Mark] = true
			}
			if rank > 0 {
				continue
			}
			at := slices.IndexFunc(its, func(i int) bool { return d.Marks[i].At >= w.At })
			if at >= 0 {
				centre = min(centre, at)
			}
		}
	}
	return min(centre, max(len(its)-1, 0))
}
