package main

import (
	"bytes"
	"go/ast"
	"go/printer"
	"go/token"
)

// exprText returns an expression as it is written.
func exprText(e ast.Expr) string {
	switch e := e.(type) {
	case nil:
		return ""
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return exprText(e.X) + "." + e.Sel.Name
	case *ast.FuncLit:
		return "func"
	}
	var out bytes.Buffer
	if err := printer.Fprint(&out, token.NewFileSet(), e); err != nil {
		return ""
	}
	return out.String()
}
