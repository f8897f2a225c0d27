package main

import (
	"go/ast"
	"regexp"
	"strings"
)

// A message is one thing that Kubernetes can say about a pod or one of its claims.
type message struct {
	kind, component, file string
	about                 string // "claim" for what is said of a claim
	level                 string // of an event: Normal or Warning; of a condition: its type
	point                 string // extension point of the scheduler
	reason, text          string
}

// A finder collects what one release says.
type finder struct {
	src       *source
	component string
	found     map[message]bool
	others    map[string]bool // reasons of events about other objects
}

// The name of an object, when its parts were followed too far.
var longPath = regexp.MustCompile(`%s(?:/%s){2,}`)

func (f *finder) add(m message) {
	if m.component == "" {
		m.component = f.component
	}
	m.text = longPath.ReplaceAllString(strings.TrimSpace(m.text), "%s/%s")
	switch {
	case m.reason == "" && isEmpty(m.text), m.kind == kindEvent && isVerb(m.reason), m.kind == kindCondition && m.level == "":
		return
	}
	f.found[m] = true
}

// all returns what a release says, in no order.
func all(src *source) map[message]bool {
	f := &finder{src: src, found: map[message]bool{}, others: map[string]bool{}}
	for _, one := range places {
		f.component = one.component
		for _, p := range f.packages(one.path) {
			f.read(p)
		}
	}
	f.unused(kube + "pkg/kubelet/events")
	f.errors()
	return f.found
}

func (f *finder) packages(importPath string) []*pkg {
	var found []*pkg
	for _, one := range f.src.under(importPath) {
		if notOfPods.MatchString(one) {
			continue
		}
		if p := f.src.load(one); p != nil {
			found = append(found, p)
		}
	}
	return found
}

func (f *finder) read(p *pkg) {
	for _, fns := range p.funcs {
		for _, fn := range fns {
			if eventCalls[fn.decl.Name.Name] || strings.HasPrefix(fn.decl.Name.Name, "Sign") {
				continue
			}
			s := scope{file: fn.file, fn: fn}
			ast.Inspect(fn.decl.Body, func(n ast.Node) bool {
				f.node(s, n)
				return true
			})
		}
	}
	f.constants(p)
	f.typed(p)
}

// typed notes the errors that name the reason for which a pod is not admitted.
func (f *finder) typed(p *pkg) {
	for _, fn := range p.funcs["Type"] {
		kind := &ast.Ident{Name: receiver(fn.decl)}
		s := scope{file: fn.file, fn: fn}
		for _, reason := range s.returned(fn, nil, 0) {
			for _, text := range s.composite(&ast.CompositeLit{Type: kind}) {
				f.add(message{kind: kindAdmission, file: fn.file.name, reason: reason, text: text})
			}
		}
	}
}

func (f *finder) node(s scope, n ast.Node) {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := calledName(n)
		switch {
		case eventCalls[name]:
			f.event(s, n)
		case name == "NewStatus" || name == "AsStatus" || name == "AppendReason":
			f.status(s, n, name)
		case name == "Fail" && len(n.Args) == 2 && ofContainer.MatchString(exprText(n.Fun)):
			f.waiting(s, n.Args[0], n.Args[1])
		}
	case *ast.ReturnStmt:
		if last := len(n.Results) - 1; last > 0 {
			f.waiting(s, n.Results[last], n.Results[last-1])
		}
	case *ast.CompositeLit:
		f.literal(s, n)
	case *ast.AssignStmt:
		f.assigned(s, n)
	}
}

// event notes a call that writes an event.
func (f *finder) event(s scope, n *ast.CallExpr) {
	at := -1
	for i, arg := range n.Args {
		text := exprText(arg)
		if strings.Contains(text, "EventType") || strings.EqualFold(text, "eventType") {
			at = i
			break
		}
	}
	if at < 0 || at+2 >= len(n.Args) {
		return
	}
	reason, texts := n.Args[at+1], n.Args[at+2:]
	if f.component == "kube-scheduler" && len(texts) > 1 {
		texts = texts[1:] // the recorder of events.k8s.io wants an action between the two
	}
	isFormat := len(texts) > 1
	object := n.Args[0]
	if calledName(n) == "updateClaimStatusWithEvent" || calledName(n) == "recordContainerEvent" {
		object = n.Args[1]
	}
	about, isOther := f.about(object)
	for _, in := range s.expand(n.Args[at], reason, texts[0]) {
		levels := in.eval(n.Args[at])
		if len(levels) != 1 {
			levels = []string{"Warning"}
		}
		for _, pair := range in.pairs(reason, texts, isFormat) {
			if isOther {
				f.others[pair[0]] = true
				continue
			}
			f.add(message{kind: kindEvent, file: s.file.name, about: about, level: levels[0], reason: pair[0], text: pair[1]})
		}
	}
}

func (f *finder) about(object ast.Expr) (about string, isOther bool) {
	text := exprText(object)
	if claimObject.MatchString(text) {
		return "claim", false
	}
	return "", otherObject.MatchString(text)
}

// status notes what a plugin of the scheduler answers.
func (f *finder) status(s scope, n *ast.CallExpr, name string) {
	if f.component != "kube-scheduler" || len(n.Args) == 0 {
		return
	}
	m := message{kind: kindClause, file: s.file.name, reason: "Unschedulable"}
	if points[s.fn.decl.Name.Name] {
		m.point = s.fn.decl.Name.Name
	}
	if m.point == "" && strings.Contains(s.file.name, "preemption/") {
		m.point = "PostFilter"
	}
	texts := n.Args
	if name == "NewStatus" {
		code := exprText(n.Args[0])
		texts = n.Args[1:]
		if strings.HasSuffix(code, ".Skip") || len(texts) == 0 {
			return
		}
		if strings.HasSuffix(code, ".Success") {
			m.point = "PostFilter" // the only one whose success is told
		}
		if strings.HasSuffix(code, ".Error") {
			name = "AsStatus"
		}
	}
	if name == "AsStatus" || scoring.MatchString(s.fn.decl.Name.Name) {
		m.kind, m.level, m.reason, m.point = kindCondition, "PodScheduled", "SchedulerError", ""
	}
	for _, text := range texts {
		for _, in := range s.expand(text) {
			for _, one := range in.eval(text) {
				m := m
				if m.text = one; m.kind == kindClause && m.point == "" && in.from != nil && points[in.from.decl.Name.Name] {
					m.point = in.from.decl.Name.Name
				}
				if !isEmpty(one) {
					f.add(m)
				}
			}
		}
	}
}

// Results of a sync that the kubelet shows as the reason of a waiting container: those of its start.
var ofContainer = regexp.MustCompile(`^(start\w*|syncResult)\.Fail$`)

var waitingReason = regexp.MustCompile(`^[A-Z][A-Za-z]+$`)

// waiting notes an error that becomes the reason of a waiting container, with its message.
func (f *finder) waiting(s scope, reason, text ast.Expr) {
	if f.component != "kubelet" {
		return
	}
	if made, ok := reason.(*ast.CallExpr); ok && calledName(made) == "NewBackoffError" {
		reason = made.Args[0]
	}
	name := exprText(reason)
	if at := strings.LastIndexByte(name, '.'); at >= 0 {
		name = name[at+1:]
	}
	if !strings.HasPrefix(name, "Err") {
		return
	}
	for _, in := range s.expand(text) {
		for _, pair := range in.pairs(reason, []ast.Expr{text}, false) {
			if waitingReason.MatchString(pair[0]) {
				f.add(message{kind: kindWaiting, file: s.file.name, reason: pair[0], text: pair[1]})
			}
		}
	}
}
