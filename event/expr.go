package event

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Params are a fixture's parameters by name.
type Params map[string]int

// An expr is whole-number arithmetic over constants and parameters: + - * / and parentheses, with
// the usual precedence and from left to right. A quotient is cut off towards zero. In a path / ends
// a generation, so that a quotient stands in parentheses there: "main/1..(n/2)".
type expr string

// lastOutside is where the last of some characters stands outside of all parentheses; -1 for none.
func lastOutside(s, chars string) int {
	found, depth := -1, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0 && strings.IndexByte(chars, c) >= 0:
			found = i
		}
	}
	return found
}

// operator is where the operator stands that is applied last, -1 if there is none.
func (e expr) operator() int {
	if i := lastOutside(string(e), "+-"); i >= 0 {
		return i
	}
	return lastOutside(string(e), "*/")
}

// inner is what stands between an expression's outermost parentheses.
func (e expr) inner() (expr, bool) {
	if len(e) < 2 || e[0] != '(' || e[len(e)-1] != ')' {
		return e, false
	}
	return e[1 : len(e)-1], true
}

// check finds an expression that has no value whatever the parameters are.
func (e expr) check() error {
	if i := e.operator(); i >= 0 {
		return cmp.Or(e[:i].check(), e[i+1:].check())
	}
	if inner, ok := e.inner(); ok {
		return inner.check()
	}
	if _, err := strconv.ParseUint(string(e), 10, 31); err != nil && !e.isName() {
		return fmt.Errorf("%q is neither a number nor a name", string(e))
	}
	return nil
}

// isName tells whether the expression is the name of a parameter: letters, _ and, later on, digits.
func (e expr) isName() bool {
	for i, r := range e {
		if !unicode.IsLetter(r) && (i == 0 || r != '_' && !unicode.IsDigit(r)) {
			return false
		}
	}
	return e != ""
}

func (e expr) eval(params Params) (int, error) {
	i := e.operator()
	if i < 0 {
		return e.evalOperand(params)
	}
	left, errLeft := e[:i].eval(params)
	right, errRight := e[i+1:].eval(params)
	if err := cmp.Or(errLeft, errRight); err != nil {
		return 0, err
	}
	switch e[i] {
	case '+':
		return left + right, nil
	case '-':
		return left - right, nil
	case '*':
		return left * right, nil
	}
	if right == 0 {
		return 0, fmt.Errorf("%q divides by zero", string(e))
	}
	return left / right, nil
}

// evalOperand gives the value of an expression without an operator outside of parentheses.
func (e expr) evalOperand(params Params) (int, error) {
	if inner, ok := e.inner(); ok {
		return inner.eval(params)
	}
	if v, ok := params[string(e)]; ok {
		return v, nil
	}
	v, err := strconv.Atoi(string(e))
	if err != nil {
		known := strings.Join(slices.Sorted(maps.Keys(params)), ", ")
		err = fmt.Errorf("%q has no value (the parameters are: %s)", string(e), known)
	}
	return v, err
}
