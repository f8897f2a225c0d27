package main

import (
	"go/ast"
	"regexp"
	"strings"
)

// Words of the CRI with which an error begins; the kubelet makes no reason of them.
var onlyPrefix = map[string]bool{"ImageVolumeMountFailed": true, "RROUnsupported": true}

var errReason = regexp.MustCompile(`^[eE]rrReason`)

// constants notes the texts that a package declares: clauses of the scheduler and errors that are reasons.
func (f *finder) constants(p *pkg) {
	for name := range p.values {
		texts := scope{file: p.files[0]}.value(p, name)
		if len(texts) != 1 {
			continue
		}
		m := message{file: p.of[p.values[name]].name, text: texts[0]}
		switch {
		case f.component == "kube-scheduler" && (errReason.MatchString(name) || name == "ErrNoNodesAvailable" || name == "errPodGroupUnschedulable"):
			m.kind, m.reason = kindClause, "Unschedulable"
		case f.component == "kubelet" && onlyPrefix[texts[0]]:
			m.kind, m.reason = kindError, "CreateContainerError"
		case f.component == "kubelet" && strings.HasPrefix(name, "Err") && isReasonOf(p) && waitingReason.MatchString(texts[0]):
			m.kind, m.reason, m.text = kindWaiting, texts[0], ""
		default:
			continue
		}
		f.add(m)
	}
}

func isReasonOf(p *pkg) bool {
	switch strings.TrimPrefix(p.path, kube) {
	case "pkg/kubelet/images", "pkg/kubelet/kuberuntime", "pkg/kubelet/container", "k8s.io/cri-api/pkg/errors":
		return true
	}
	return false
}

var ofNodes = regexp.MustCompile("^(Node|Rebooted)")

// unused notes the reasons that the kubelet declares and whose calls were not understood.
func (f *finder) unused(importPath string) {
	p := f.src.load(importPath)
	if p == nil {
		return
	}
	known := map[string]bool{}
	for m := range f.found {
		if m.kind == kindEvent {
			known[m.reason] = true
		}
	}
	for name, spec := range p.values {
		for _, text := range (scope{file: p.files[0]}).value(p, name) {
			if !known[text] && !f.others[text] && !ofNodes.MatchString(text) {
				f.add(message{kind: kindEvent, component: "kubelet", file: p.of[spec].name, level: "Warning", reason: text, text: "%s"})
			}
		}
	}
}

// errors notes the texts of errors that arrive inside another message.
func (f *finder) errors() {
	for _, c := range carriers {
		for _, fn := range f.reached(c) {
			s := scope{file: fn.file, fn: fn}
			ast.Inspect(fn.decl.Body, func(n ast.Node) bool {
				if made, ok := n.(*ast.CallExpr); ok {
					f.errorOf(s, made, c)
				}
				return true
			})
		}
	}
}

// reached returns the functions of a carrier and all that they call, by name.
func (f *finder) reached(c carrier) []*function {
	var queue []*function
	seen := map[*function]bool{}
	visit := func(fns []*function) {
		for _, fn := range fns {
			if !seen[fn] {
				seen[fn] = true
				queue = append(queue, fn)
			}
		}
	}
	for _, p := range f.packages(c.path) {
		for name, fns := range p.funcs {
			if c.functions.MatchString(name) {
				visit(fns)
			}
		}
	}
	for i := 0; i < len(queue); i++ {
		s := scope{file: queue[i].file, fn: queue[i]}
		ast.Inspect(queue[i].decl.Body, func(n ast.Node) bool {
			if made, ok := n.(*ast.CallExpr); ok {
				visit(s.callees(made))
			}
			return true
		})
	}
	return queue
}

// callees returns the functions that a call may lead to.
func (s scope) callees(made *ast.CallExpr) []*function {
	name := calledName(made)
	if name == "" || notStarting.MatchString(name) {
		return nil
	}
	p := s.file.pkg
	if selected, ok := made.Fun.(*ast.SelectorExpr); ok && isIdent(selected.X) {
		to, isImport := s.file.imports[exprText(selected.X)]
		if isImport {
			if !followed.MatchString(to) {
				return nil
			}
			p = s.file.pkg.src.load(to)
		}
	}
	if p == nil {
		return nil
	}
	return p.funcs[name]
}

func (f *finder) errorOf(s scope, made *ast.CallExpr, c carrier) {
	m := message{kind: kindError, component: c.component, file: s.file.name, reason: c.reason}
	var texts []string
	switch exprText(made.Fun) {
	case "fmt.Errorf", "errors.New", "goerrors.New":
		s.outer = true
		texts = s.eval(made)
	case "status.Error", "grpcstatus.Error":
		if len(made.Args) == 2 {
			texts = s.eval(made.Args[1])
		}
	default:
		if calledName(made) != "GenerateError" {
			return
		}
		texts = s.result(made, 0)
	}
	for _, text := range texts {
		if !isEmpty(text) && !f.found[message{kind: kindCondition, component: m.component, file: m.file, level: "PodScheduled", reason: m.reason, text: text}] {
			m.text = text
			f.add(m)
		}
	}
}
