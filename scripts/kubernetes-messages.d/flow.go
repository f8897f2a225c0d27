package main

import (
	"go/ast"
	"sort"
	"strings"
)

func (fn *function) params() []*ast.Ident {
	var names []*ast.Ident
	for _, field := range fn.decl.Type.Params.List {
		if len(field.Names) == 0 {
			names = append(names, &ast.Ident{Name: "_"})
		}
		names = append(names, field.Names...)
	}
	return names
}

func (fn *function) results() int {
	if fn.decl.Type.Results == nil {
		return 0
	}
	return fn.decl.Type.Results.NumFields()
}

func (fn *function) namedResult(i int) *ast.Ident {
	var names []*ast.Ident
	if fn.decl.Type.Results != nil {
		for _, field := range fn.decl.Type.Results.List {
			names = append(names, field.Names...)
		}
	}
	if i < len(names) {
		return names[i]
	}
	return nil
}

// returns returns the return statements of the function itself, not of functions inside it.
func (fn *function) returns() []*ast.ReturnStmt {
	var all []*ast.ReturnStmt
	ast.Inspect(fn.decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			all = append(all, n)
		}
		return true
	})
	return all
}

// reaching returns the values that a local variable may have where it is used: back to the last one that
// every way passes, without those in branches that return.
func (fn *function) reaching(use *ast.Ident) []def {
	defs := fn.defs[use.Obj]
	before := make([]def, 0, len(defs))
	for _, d := range defs {
		if d.at.Pos() < use.Pos() {
			before = append(before, d)
		}
	}
	if len(before) == 0 {
		return defs
	}
	sort.SliceStable(before, func(i, j int) bool { return before[i].at.Pos() > before[j].at.Pos() })
	var found []def
	for _, d := range before {
		if fn.encloses(d.at, use) {
			continue // x = x + y: the x on the right is an earlier one
		}
		block := fn.block(d.at)
		inside := fn.encloses(block, use)
		if !inside && leaves(block) {
			continue
		}
		found = append(found, d)
		if inside && d.at.Pos() < use.Pos() && !isAppend(d) {
			break
		}
	}
	return found
}

// isAppend returns whether a value adds to the one before.
func isAppend(d def) bool {
	call, ok := d.value.(*ast.CallExpr)
	return ok && calledName(call) == "append"
}

func (fn *function) encloses(outer, inner ast.Node) bool {
	for n := ast.Node(inner); n != nil; n = fn.parents[n] {
		if n == outer {
			return true
		}
	}
	return false
}

// block returns the statement list, or the statement with an init, that a node stands in.
func (fn *function) block(n ast.Node) ast.Node {
	for at := fn.parents[n]; at != nil; at = fn.parents[at] {
		switch at.(type) {
		case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause, *ast.IfStmt, *ast.ForStmt, *ast.SwitchStmt, *ast.RangeStmt:
			return at
		}
	}
	return fn.decl
}

func leaves(block ast.Node) bool {
	var list []ast.Stmt
	switch block := block.(type) {
	case *ast.BlockStmt:
		list = block.List
	case *ast.CaseClause:
		list = block.Body
	}
	if len(list) == 0 {
		return false
	}
	_, returns := list[len(list)-1].(*ast.ReturnStmt)
	return returns
}

// free returns whether a parameter of the function has a part in an expression, followed through variables.
func (s scope) free(e ast.Expr, depth int) bool {
	if e == nil || s.fn == nil || depth > 4 {
		return false
	}
	params := map[*ast.Object]bool{}
	for _, name := range s.fn.params() {
		if name.Obj != nil {
			params[name.Obj] = true
		}
	}
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if found {
			return false
		}
		switch n := n.(type) {
		case *ast.SelectorExpr:
			return false // a field of a parameter is no text that a caller chose
		case *ast.CallExpr:
			if calledName(n) == "Error" {
				if selected, ok := n.Fun.(*ast.SelectorExpr); ok {
					found = s.free(selected.X, depth+1)
				}
			}
			return true
		case *ast.Ident:
			if n.Obj == nil {
				return true
			}
			if _, ok := s.bound[n.Obj]; !ok && params[n.Obj] && s.isText(n.Obj) {
				found = true
				return false
			}
			for _, d := range s.fn.reaching(n) {
				if s.free(d.value, depth+1) {
					found = true
				}
			}
		}
		return true
	})
	return found
}

func (s scope) isText(object *ast.Object) bool {
	field, ok := object.Decl.(*ast.Field)
	if !ok {
		return false
	}
	text := exprText(field.Type)
	return text == "string" || text == "error" || strings.HasSuffix(text, "Reason") || strings.HasSuffix(text, "Code")
}

// expand returns the scopes in which an expression means something: its own, or one for each call of the
// function whose parameters it speaks of.
func (s scope) expand(exprs ...ast.Expr) []scope {
	asks := false
	for _, e := range exprs {
		asks = asks || s.free(e, 0)
	}
	if !asks || s.depth > 4 {
		return []scope{s}
	}
	var all []scope
	for _, c := range s.fn.file.pkg.calls[s.fn.decl.Name.Name] {
		if c.in == s.fn || len(c.expr.Args) < len(s.fn.params())-1 {
			continue
		}
		outer := scope{file: c.in.file, fn: c.in, depth: s.depth + 1}
		passed := make([]ast.Expr, 0, len(exprs))
		for _, arg := range c.expr.Args {
			passed = append(passed, arg)
		}
		for _, o := range outer.expand(passed...) {
			inner := s
			inner.bound = o.binding(s.fn, c.expr.Args)
			if inner.from = c.in; o.from != nil {
				inner.from = o.from
			}
			inner.depth = s.depth + 1
			all = append(all, inner)
		}
	}
	if len(all) == 0 || len(all) > 60 {
		return []scope{s}
	}
	return all
}
