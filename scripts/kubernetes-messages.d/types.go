package main

import "go/ast"

// switched returns what the method Error of the types says that a type switch found a variable to be.
func (s scope) switched(e ast.Expr) []string {
	if s.fn == nil {
		return nil
	}
	for at := s.fn.parents[e]; at != nil; at = s.fn.parents[at] {
		clause, ok := at.(*ast.CaseClause)
		if !ok {
			continue
		}
		if _, ok := s.fn.parents[s.fn.parents[clause]].(*ast.TypeSwitchStmt); !ok {
			continue
		}
		var all []string
		for _, kind := range clause.List {
			if star, ok := kind.(*ast.StarExpr); ok {
				all = append(all, s.deeper().composite(&ast.CompositeLit{Type: star.X})...)
			}
		}
		return unique(all)
	}
	return nil
}

// composite returns what the method Error of a type says.
func (s scope) composite(e *ast.CompositeLit) []string {
	name, ok := e.Type.(*ast.Ident)
	p := s.file.pkg
	if !ok {
		selected, isSelected := e.Type.(*ast.SelectorExpr)
		if !isSelected {
			return nil
		}
		name = selected.Sel
		p = s.imported(selected.X)
	}
	if p == nil {
		return nil
	}
	var all []string
	for _, fn := range p.funcs["Error"] {
		if receiver(fn.decl) == name.Name {
			all = append(all, s.returned(fn, nil, 0)...)
		}
	}
	return unique(all)
}

func receiver(decl *ast.FuncDecl) string {
	if decl.Recv == nil || len(decl.Recv.List) == 0 {
		return ""
	}
	kind := decl.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	if name, ok := kind.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
