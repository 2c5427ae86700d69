package weak

import "testing"

func TestClamp(t *testing.T) {
	changed := 0
	if got := Clamp(-2, 5, &changed); got != 0 || changed != 1 {
		t.Error(got, changed)
	}
	if got := Clamp(7, 5, &changed); got != 5 || changed != 2 {
		t.Error(got, changed)
	}
	if got := Clamp(3, 5, &changed); got != 3 || changed != 2 {
		t.Error(got, changed)
	}
}

func TestReversed(t *testing.T) {
	if got := Reversed([]int{1, 2}); len(got) != 2 || got[0] != 2 || got[1] != 1 {
		t.Error(got)
	}
}

func TestSum(t *testing.T) {
	if got := Sum(3); got != 6 {
		t.Error(got)
	}
}
