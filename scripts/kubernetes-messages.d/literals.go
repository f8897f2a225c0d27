package main

import (
	"go/ast"
	"regexp"
	"strings"
)

var literals = map[string]string{
	"PodAdmitResult": kindAdmission, "ContainerStateWaiting": kindWaiting, "ContainerStateTerminated": kindTerminated,
	"PodCondition": kindCondition, "PersistentVolumeClaimCondition": kindCondition, "PodStatus": kindStatus,
	"InsufficientResource": kindClause, "ShouldEvictResponse": kindStatus, "PredicateFailureError": kindAdmission,
	"AdmissionResult": kindAdmission,
}

// literal notes a value of a type that carries a reason and a message.
func (f *finder) literal(s scope, n *ast.CompositeLit) {
	name := exprText(n.Type)
	if at := strings.LastIndexByte(name, '.'); at >= 0 {
		name = name[at+1:]
	}
	kind, ok := literals[name]
	if !ok {
		return
	}
	fields := map[string]ast.Expr{}
	for _, element := range n.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			fields[exprText(pair.Key)] = pair.Value
		}
	}
	m := message{kind: kind, file: s.file.name}
	reason, text := fields["Reason"], fields["Message"]
	switch {
	case name == "PredicateFailureError":
		if len(n.Elts) == 2 {
			f.predicate(s, m, n.Elts[0], n.Elts[1])
		}
		return
	case name == "AdmissionResult":
		m.component = "kubelet" // which asks the scheduler's package
		f.predicate(s, m, orNil(fields["Name"]), orNil(reason))
		return
	case name == "InsufficientResource":
		m.reason, reason, text = "Unschedulable", nil, fields["Reason"]
	case name == "PodAdmitResult" && strings.HasSuffix(s.file.pkg.path, "/allocation"):
		m.kind, m.level = kindCondition, "PodResizePending" // it admits resizes, not pods
	case kind == kindCondition:
		if levels := s.eval(orNil(fields["Type"])); len(levels) == 1 {
			m.level = levels[0]
		}
		if name == "PersistentVolumeClaimCondition" {
			m.about = "claim"
		}
	}
	if reason == nil && text == nil {
		return
	}
	f.both(s, m, reason, text)
}

// predicate notes a check of the scheduler that the kubelet makes again, with the sentence of its error.
func (f *finder) predicate(s scope, m message, name, reason ast.Expr) {
	for _, m.reason = range s.eval(name) {
		for _, text := range s.eval(reason) {
			m.text = "Predicate " + m.reason + " failed: " + text
			f.add(m)
		}
	}
}

func orNil(e ast.Expr) ast.Expr {
	if e == nil {
		return &ast.BadExpr{}
	}
	return e
}

func (f *finder) both(s scope, m message, reason, text ast.Expr) {
	var texts []ast.Expr
	if text != nil {
		texts = []ast.Expr{text}
	}
	word := m.reason
	for _, in := range s.expand(reason, text) {
		for _, pair := range in.pairs(reason, texts, false) {
			if m.reason = pair[0]; word != "" {
				m.reason = word
			}
			m.text = pair[1]
			if isVerb(m.reason) && isVerb(m.text) {
				continue
			}
			f.add(m)
		}
	}
}

var assignedKinds = []struct {
	text *regexp.Regexp
	kind string
}{
	{regexp.MustCompile(`Waiting$`), kindWaiting},
	{regexp.MustCompile(`Terminated$`), kindTerminated},
	{regexp.MustCompile(`^condition$`), kindCondition},
	{regexp.MustCompile(`^(status|podStatus|s|pod\.Status|apiPodStatus)$`), kindStatus},
}

// assigned notes x.Reason = ... with the x.Message = ... beside it.
func (f *finder) assigned(s scope, n *ast.AssignStmt) {
	object, field := fieldOf(n)
	if field != "Reason" && field != "Message" {
		return
	}
	kind := ""
	for _, row := range assignedKinds {
		if row.text.MatchString(object) {
			kind = row.kind
			break
		}
	}
	if kind == "" {
		return
	}
	reason, text := n.Rhs[0], ast.Expr(nil)
	if field == "Message" {
		reason, text = nil, n.Rhs[0]
	}
	if block, ok := s.fn.parents[n].(*ast.BlockStmt); ok {
		for _, other := range block.List {
			beside, ok := other.(*ast.AssignStmt)
			if !ok {
				continue
			}
			if about, name := fieldOf(beside); about == object && name == "Message" && field == "Reason" {
				text = beside.Rhs[0]
			} else if about == object && name == "Reason" && field == "Message" {
				return // noted with its reason
			}
		}
	}
	m := message{kind: kind, file: s.file.name}
	if kind == kindCondition {
		m.level = "Ready" // and ContainersReady; only the kubelet gives a condition its reason afterwards
	}
	f.both(s, m, reason, text)
}

func fieldOf(n *ast.AssignStmt) (object, field string) {
	if len(n.Lhs) != 1 || len(n.Rhs) != 1 {
		return "", ""
	}
	selected, ok := n.Lhs[0].(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	return exprText(selected.X), selected.Sel.Name
}
