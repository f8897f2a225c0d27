package main

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

const (
	maxDepth = 18 // calls and variables that are followed
	maxTexts = 12 // alternatives of one expression; more are not told apart
)

// A scope is where an expression stands: its function, and what the parameters of that function are.
type scope struct {
	file  *file
	fn    *function
	bound map[*ast.Object]bound
	from  *function // that called it, when the parameters are those of one call
	depth int
	outer bool // what an error wraps is left a verb: it is told where it begins
}

type bound struct {
	expr ast.Expr
	in   scope
}

func (s scope) deeper() scope {
	s.depth++
	return s
}

// eval returns every text that a string or an error may be, as formats: what is not known stays a verb.
// None = nothing is known about it.
func (s scope) eval(e ast.Expr) []string {
	if s.depth > maxDepth {
		return nil
	}
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if e.Kind == token.STRING && err == nil && !isNil(e) {
			return []string{strings.ReplaceAll(text, "%", "%%")}
		}
	case *ast.ParenExpr:
		return s.eval(e.X)
	case *ast.StarExpr:
		return s.eval(e.X)
	case *ast.UnaryExpr:
		return s.eval(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return s.sum(e)
		}
	case *ast.Ident:
		return s.ident(e)
	case *ast.SelectorExpr:
		return s.selector(e)
	case *ast.CompositeLit:
		return s.composite(e)
	case *ast.CallExpr:
		return s.call(e)
	}
	return nil
}

func (s scope) sum(e *ast.BinaryExpr) []string {
	left, right := s.eval(e.X), s.eval(e.Y)
	if left == nil && right == nil {
		return nil
	}
	return product(orVerb(left), orVerb(right))
}

func (s scope) ident(e *ast.Ident) []string {
	if e.Obj == nil {
		return s.value(s.file.pkg, e.Name)
	}
	if to, ok := s.bound[e.Obj]; ok {
		in := to.in
		in.depth = s.depth + 1
		return in.eval(to.expr)
	}
	if s.fn != nil {
		if defs := s.fn.reaching(e); len(defs) > 0 {
			return s.deeper().defined(defs)
		}
	}
	if _, ok := e.Obj.Decl.(*ast.ValueSpec); ok {
		return s.value(s.file.pkg, e.Name)
	}
	return nil
}

func (s scope) defined(defs []def) []string {
	var all []string
	for _, d := range defs {
		all = append(all, s.given(d)...)
	}
	if told := without(all, ""); len(told) > 0 {
		all = told // an empty text is one that is filled later
	}
	return unique(all)
}

// given returns what one definition may give a variable.
func (s scope) given(d def) []string {
	switch value := d.value.(type) {
	case *ast.CallExpr:
		switch {
		case calledName(value) == "append":
			var texts []string
			for _, one := range value.Args[1:] {
				texts = append(texts, orVerb(s.eval(one))...)
			}
			return texts
		case d.element:
			return nil
		case calledName(value) == "make":
			return nil
		}
		return orVerb(s.result(value, d.result))
	case *ast.CompositeLit:
		if _, isList := value.Type.(*ast.ArrayType); !isList {
			return orVerb(s.eval(value))
		}
		var texts []string
		for _, one := range value.Elts {
			texts = append(texts, orVerb(s.eval(one))...)
		}
		return texts
	}
	if d.element || isNil(d.value) {
		return nil
	}
	return orVerb(s.eval(d.value))
}

// isNil returns whether an expression is nothing, or the word for it.
func isNil(e ast.Expr) bool {
	if text, ok := e.(*ast.BasicLit); ok {
		return text.Value == `"nil"` || text.Value == `"<nil>"`
	}
	name, ok := e.(*ast.Ident)
	return ok && name.Name == "nil"
}

// value returns what a constant or variable of a package is.
func (s scope) value(p *pkg, name string) []string {
	if p == nil {
		return nil
	}
	spec, ok := p.values[name]
	if !ok || len(spec.Values) == 0 {
		return nil
	}
	for i, one := range spec.Names {
		if one.Name == name && i < len(spec.Values) {
			return scope{file: p.of[spec], depth: s.depth + 1}.eval(spec.Values[i])
		}
	}
	return nil
}

func (s scope) selector(e *ast.SelectorExpr) []string {
	if p := s.imported(e.X); p != nil {
		return s.value(p, e.Sel.Name)
	}
	return nil
}

// imported returns the package that a name stands for, or nil.
func (s scope) imported(e ast.Expr) *pkg {
	name, ok := e.(*ast.Ident)
	if !ok || name.Obj != nil {
		return nil
	}
	to, ok := s.file.imports[name.Name]
	if !ok {
		return nil
	}
	return s.file.pkg.src.load(to)
}

func (s scope) call(e *ast.CallExpr) []string { return s.result(e, 0) }

// result returns what one result of a call may be.
func (s scope) result(e *ast.CallExpr, i int) []string {
	if s.depth > maxDepth {
		return nil
	}
	switch text := exprText(e.Fun); text {
	case "fmt.Sprintf", "fmt.Errorf":
		return s.format(e.Args)
	case "status.Errorf", "grpcstatus.Errorf":
		return s.format(e.Args[1:])
	case "errors.New", "string", "fmt.Sprint", "goerrors.New":
		if len(e.Args) == 1 {
			return s.deeper().eval(e.Args[0])
		}
		return nil
	case "strings.Join":
		return s.deeper().eval(e.Args[0])
	}
	if selected, ok := e.Fun.(*ast.SelectorExpr); ok {
		if p := s.imported(selected.X); p != nil {
			return s.called(p, selected.Sel.Name, false, e, i)
		}
		if _, isPackage := s.file.imports[exprText(selected.X)]; isPackage && isIdent(selected.X) {
			return nil
		}
		if selected.Sel.Name == "Error" && len(e.Args) == 0 {
			if texts := s.eval(selected.X); texts != nil {
				return texts
			}
			return s.switched(selected.X)
		}
		if selected.Sel.Name == "String" || selected.Sel.Name == "Name" || selected.Sel.Name == "Message" {
			return nil
		}
		return s.called(s.file.methods(selected.Sel.Name), selected.Sel.Name, true, e, i)
	}
	if name, ok := e.Fun.(*ast.Ident); ok {
		if len(e.Args) == 1 && len(s.file.pkg.funcs[name.Name]) == 0 && ast.IsExported(name.Name) {
			return s.deeper().eval(e.Args[0]) // a conversion
		}
		return s.called(s.file.pkg, name.Name, false, e, i)
	}
	return nil
}

func isIdent(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return ok && name.Obj == nil
}

// called returns what functions of that name return, with their parameters bound to the arguments.
func (s scope) called(p *pkg, name string, method bool, e *ast.CallExpr, i int) []string {
	var all []string
	candidates := 0
	for _, fn := range p.funcs[name] {
		if (fn.decl.Recv != nil) != method {
			continue
		}
		if candidates++; candidates > 4 {
			return nil
		}
		all = append(all, s.returned(fn, e.Args, i)...)
	}
	return unique(all)
}

func (s scope) returned(fn *function, args []ast.Expr, i int) []string {
	inner := scope{file: fn.file, fn: fn, bound: s.binding(fn, args), depth: s.depth + 1}
	var all []string
	for _, ret := range fn.ends {
		switch {
		case len(ret.Results) == 0:
			if name := fn.namedResult(i); name != nil {
				all = append(all, inner.ident(name)...)
			}
		case len(ret.Results) > i && len(ret.Results) == fn.results():
			if !isNil(ret.Results[i]) {
				all = append(all, orVerb(inner.eval(ret.Results[i]))...)
			}
		case len(ret.Results) == 1 && fn.results() > 1:
			if passed, ok := ret.Results[0].(*ast.CallExpr); ok {
				all = append(all, orVerb(inner.result(passed, i))...)
			}
		}
	}
	return unique(all)
}

func (s scope) binding(fn *function, args []ast.Expr) map[*ast.Object]bound {
	found := map[*ast.Object]bound{}
	for i, name := range fn.params() {
		if name.Obj != nil && i < len(args) {
			found[name.Obj] = bound{args[i], s}
		}
	}
	return found
}
