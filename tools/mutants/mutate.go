package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A mutant is one small change of the code. It stands in the test binary beside the code as it is,
// and the environment variable MUTANT turns it on by its number.
type mutant struct {
	id   int
	file string // from the module's root
	line int
	fn   string // the function that it is in, empty in a package's variables
	what string // the change, for people
	nth  int    // of the mutants alike in one function, from 1
}

// name is what the list of equivalent mutants calls it. It has no line, so that it outlives changes
// of the code around it.
func (m mutant) name() string {
	name := m.file + " " + cmp.Or(m.fn, "var") + ": " + m.what
	if m.nth > 1 {
		name += fmt.Sprintf(" #%d", m.nth)
	}
	return name
}

// A mutator writes mutants into files. What it writes is the file's own text with pieces put around
// expressions and statements, so that lines keep their numbers.
type mutator struct {
	fset    *token.FileSet
	info    *types.Info
	mutants []mutant
	seen    map[string]int // how many mutants have a name without its number

	// of the file and function at hand
	source     []byte
	file, fn   string
	results    []*ast.FieldList  // of the functions around the node, the innermost last
	conditions map[ast.Expr]bool // what an if, a for or a switch without a tag asks
	statements map[ast.Stmt]bool // those of a list, which can be left out
}

// mutate returns a file's text with mutants in its functions and variables.
func (m *mutator) mutate(name string, source []byte, f *ast.File) string {
	m.file, m.source = name, source
	m.conditions, m.statements = make(map[ast.Expr]bool), make(map[ast.Stmt]bool)
	return m.inner(f)
}

// text is a node's text as it is.
func (m *mutator) text(n ast.Node) string { return m.between(n.Pos(), n.End()) }

func (m *mutator) between(from, to token.Pos) string {
	return string(m.source[m.fset.Position(from).Offset:m.fset.Position(to).Offset])
}

// add makes a mutant and returns the condition under which it is on.
func (m *mutator) add(n ast.Node, verb string, of ast.Node, after ...string) string {
	what := verb + " " + shorten(m.text(of))
	if len(after) > 0 {
		what += " -> " + after[0]
	}
	one := mutant{
		id: len(m.mutants) + 1, file: m.file, fn: m.fn, what: what,
		line: m.fset.Position(n.Pos()).Line,
	}
	m.seen[one.name()]++
	one.nth = m.seen[one.name()]
	m.mutants = append(m.mutants, one)
	return fmt.Sprintf("mutantIsOn(%d)", one.id)
}

// shorten brings code to one line that is short enough for a list.
func shorten(code string) string {
	code = strings.Join(strings.Fields(code), " ")
	if len(code) > 70 {
		code = code[:67] + "..."
	}
	return code
}

// inner is a node's text with mutants in what the node has in it.
func (m *mutator) inner(n ast.Node) string {
	var out strings.Builder
	from := n.Pos()
	if f, ok := n.(*ast.File); ok {
		from = f.FileStart
	}
	last := from
	ast.Inspect(n, func(at ast.Node) bool {
		m.note(at)
		switch {
		case at == nil:
			return false
		case isConstant(at):
			return false
		case at == n || !m.mutable(at):
			return true
		}
		out.WriteString(m.between(last, at.Pos()))
		out.WriteString(m.outer(at))
		last = at.End()
		return false
	})
	end := n.End()
	if f, ok := n.(*ast.File); ok {
		end = f.FileEnd
	}
	out.WriteString(m.between(last, end))
	return out.String()
}

// isConstant tells whether a node declares what no mutant can change while the program runs.
func isConstant(n ast.Node) bool {
	d, ok := n.(*ast.GenDecl)
	return ok && d.Tok != token.VAR
}

// note marks what a node says about those directly in it.
func (m *mutator) note(n ast.Node) {
	list := func(statements []ast.Stmt) {
		for _, s := range statements {
			m.statements[s] = true
		}
	}
	switch n := n.(type) {
	case *ast.IfStmt:
		m.conditions[n.Cond] = true
	case *ast.ForStmt:
		m.conditions[n.Cond] = true
	case *ast.SwitchStmt:
		for _, s := range n.Body.List {
			for _, e := range s.(*ast.CaseClause).List {
				m.conditions[e] = n.Tag == nil
			}
		}
	case *ast.BlockStmt:
		list(n.List)
	case *ast.CaseClause:
		list(n.Body)
	case *ast.CommClause:
		list(n.Body)
	}
}

// mutable tells whether mutants stand around a node itself.
func (m *mutator) mutable(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl, *ast.FuncLit, *ast.ReturnStmt:
		return true
	case ast.Stmt:
		return m.statements[n] && isRemovable(n)
	case *ast.Ident:
		return m.conditions[n] || m.isLiteralBool(n)
	case ast.Expr:
		if m.info.Types[n].Value != nil {
			return false
		}
		_, binary := n.(*ast.BinaryExpr)
		return binary || m.conditions[n] || isNot(n)
	}
	return false
}

func (m *mutator) isLiteralBool(n *ast.Ident) bool {
	return m.info.Uses[n] != nil && m.info.Uses[n].Parent() == types.Universe &&
		(n.Name == "true" || n.Name == "false")
}

func isNot(e ast.Expr) bool {
	u, ok := e.(*ast.UnaryExpr)
	return ok && u.Op == token.NOT
}

// isRemovable tells whether the program can be built without a statement.
func isRemovable(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		if !ok {
			return true
		}
		id, ok := call.Fun.(*ast.Ident)
		return !ok || id.Name != "panic" // a function may end in one
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE && slices.ContainsFunc(s.Lhs, isNotBlank)
	case *ast.BranchStmt:
		return s.Tok == token.BREAK || s.Tok == token.CONTINUE
	case *ast.IncDecStmt, *ast.SendStmt, *ast.GoStmt, *ast.DeferStmt:
		return true
	}
	return false
}

func isNotBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return !ok || id.Name != "_"
}

// outer is a node's text with mutants in it and around it.
func (m *mutator) outer(n ast.Node) string {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return m.declaration(n)
	case *ast.FuncLit:
		return m.function(n, n.Type)
	case *ast.ReturnStmt:
		return m.returned(n)
	case ast.Stmt:
		on := m.add(n, "leave out", n)
		return fmt.Sprintf("if !%s { %s }", on, m.inner(n))
	case *ast.BinaryExpr:
		return m.binary(n)
	case ast.Expr:
		return fmt.Sprintf("((%s) != %s)", m.inner(n), m.add(n, "negate", n))
	}
	panic("unreachable")
}

func (m *mutator) declaration(n *ast.FuncDecl) string {
	m.fn = n.Name.Name
	defer func() { m.fn = "" }()
	if n.Recv != nil {
		m.fn = strings.TrimLeft(m.text(n.Recv.List[0].Type), "*") + "." + m.fn
	}
	return m.function(n, n.Type)
}

func (m *mutator) function(n ast.Node, t *ast.FuncType) string {
	m.results = append(m.results, t.Results)
	defer func() { m.results = m.results[:len(m.results)-1] }()
	return m.inner(n)
}

// operand is the text of an expression in another, with its mutants.
func (m *mutator) operand(e ast.Expr) string {
	if m.mutable(e) {
		return m.outer(e)
	}
	return m.inner(e)
}

// boundaries and opposites are what mutants make of operators.
var (
	boundaries = map[token.Token]string{
		token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">",
	}
	opposites = map[token.Token]string{
		token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*", token.REM: "*",
		token.AND: "|", token.OR: "&", token.XOR: "&", token.AND_NOT: "&",
		token.SHL: ">>", token.SHR: "<<",
	}
)

func (m *mutator) binary(n *ast.BinaryExpr) string {
	switch n.Op {
	case token.LAND, token.LOR:
		return "(" + m.without(n, n.X) + m.between(n.X.End(), n.Y.Pos()) + m.without(n, n.Y) + ")"
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
		return m.comparison(n)
	}
	x, y := m.operand(n.X), m.operand(n.Y)
	plain := x + m.between(n.X.End(), n.Y.Pos()) + y
	kind, _ := m.info.Types[n].Type.Underlying().(*types.Basic)
	left := m.info.Types[n.X].Value
	shift := n.Op == token.SHL || n.Op == token.SHR
	if kind == nil || kind.Info()&types.IsInteger == 0 || shift && left != nil {
		return plain
	}
	if shift {
		return m.called("mutantShift", n, opposites[n.Op], x, y)
	}
	return m.called("mutantArithmetic", n, opposites[n.Op], x, y)
}

// called has a function of support.go do what an operator does, or the mutant's operator.
func (m *mutator) called(helper string, n *ast.BinaryExpr, to, x, y string) string {
	on := m.add(n, "change", n, to)
	// The gap may have a new line after the operator, and a comment.
	gap := strings.Replace(m.between(n.X.End(), n.Y.Pos()), n.Op.String(), ",", 1)
	return fmt.Sprintf("%s(%s, %q, %q, %s%s%s)", helper, on, n.Op.String(), to, x, gap, y)
}

// without is an operand of a logical operator, and the mutant by which it does not count.
func (m *mutator) without(n *ast.BinaryExpr, operand ast.Expr) string {
	if b, ok := operand.(*ast.BinaryExpr); ok && b.Op == n.Op {
		return m.operand(operand) // its own operands have mutants
	}
	on := m.add(operand, "do not ask", operand)
	if n.Op == token.LAND {
		return fmt.Sprintf("(%s || %s)", on, m.operand(operand))
	}
	return fmt.Sprintf("(!%s && %s)", on, m.operand(operand))
}

func (m *mutator) comparison(n *ast.BinaryExpr) string {
	x, y := m.operand(n.X), m.operand(n.Y)
	plain := x + m.between(n.X.End(), n.Y.Pos()) + y
	if to := boundaries[n.Op]; to != "" {
		plain = m.called("mutantComparison", n, to, x, y)
	}
	return fmt.Sprintf("((%s) != %s)", plain, m.add(n, "negate", n))
}

// returned gives zero values in place of what a function returns, and the opposite of a truth.
func (m *mutator) returned(n *ast.ReturnStmt) string {
	fields := m.results[len(m.results)-1]
	if len(n.Results) == 0 || fields == nil {
		return m.inner(n)
	}
	var zeros []string
	for _, f := range fields.List {
		for range max(len(f.Names), 1) {
			zeros = append(zeros, "*new("+m.text(f.Type)+")")
		}
	}
	only := n.Results[0]
	switch {
	case !slices.ContainsFunc(n.Results, m.isNotZero):
		return m.inner(n)
	case len(zeros) == 1 && m.text(fields.List[0].Type) == "bool":
		m.conditions[only] = true
		return m.inner(n)
	}
	return fmt.Sprintf("{ if %s { return %s }; %s }",
		m.add(n, "zero", n), strings.Join(zeros, ", "), m.inner(n))
}

// isNotZero tells whether a result is not plainly a zero value.
func (m *mutator) isNotZero(e ast.Expr) bool {
	switch text := m.text(e); text {
	case "nil", "0", `""`, "false":
		return false
	default:
		return !strings.HasSuffix(text, "{}")
	}
}
