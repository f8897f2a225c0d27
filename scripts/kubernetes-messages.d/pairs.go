package main

import "go/ast"

// pairs returns every reason with the messages that go with it.
func (s scope) pairs(reason ast.Expr, texts []ast.Expr, isFormat bool) [][2]string {
	if pairs := s.together(reason, texts); pairs != nil {
		return pairs
	}
	reasons := s.words(reason)
	messages := []string{""}
	if len(texts) > 0 && texts[0] != nil {
		if messages = s.eval(texts[0]); isFormat {
			messages = s.format(texts)
		}
	}
	if len(messages) == 0 {
		messages = []string{"%s"}
	}
	var all [][2]string
	for _, r := range reasons {
		for _, m := range messages {
			all = append(all, [2]string{r, m})
		}
	}
	return all
}

func (s scope) words(reason ast.Expr) []string {
	if reason == nil {
		return []string{""}
	}
	if reasons := s.eval(reason); len(reasons) > 0 {
		return reasons
	}
	return []string{"%s"}
}

// together pairs two variables that get their values in the same branches.
func (s scope) together(reason ast.Expr, texts []ast.Expr) [][2]string {
	if len(texts) != 1 || s.fn == nil {
		return nil
	}
	one, isName := reason.(*ast.Ident)
	two, isAlso := texts[0].(*ast.Ident)
	if !isName || !isAlso || one.Obj == nil || two.Obj == nil {
		return nil
	}
	first, second := s.fn.reaching(one), s.fn.reaching(two)
	if len(first) < 2 || len(second) < 2 {
		return nil
	}
	var all [][2]string
	for _, m := range second {
		for _, r := range s.fn.beside(first, m) {
			for _, word := range orVerb(s.defined([]def{r})) {
				for _, text := range orVerb(s.defined([]def{m})) {
					all = append(all, [2]string{word, text})
				}
			}
		}
	}
	return all
}

// beside returns the values of one variable that go with a value of another: those of the innermost block
// around it, or those in branches below it.
func (fn *function) beside(defs []def, of def) []def {
	var around, below []def
	var innermost ast.Node
	for _, d := range defs {
		block := fn.block(d.at)
		switch {
		case fn.encloses(block, of.at):
			if innermost == nil || (block != innermost && fn.encloses(innermost, block)) {
				innermost, around = block, nil
			}
			if block == innermost {
				around = append(around, d)
			}
		case fn.encloses(fn.block(of.at), d.at):
			below = append(below, d)
		}
	}
	if len(around) > 0 {
		return around
	}
	return below
}
