package main

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// A source is one release of Kubernetes: its modules on this machine and the packages that were read from them.
type source struct {
	files    *token.FileSet
	modules  map[string]string // module path -> folder
	packages map[string]*pkg   // import path -> package; nil = not there
}

// A pkg is one package without its tests, and its declarations by name.
type pkg struct {
	src    *source
	path   string // import path
	files  []*file
	values map[string]*ast.ValueSpec // constants and variables of the package
	of     map[*ast.ValueSpec]*file  // where they stand
	funcs  map[string][]*function    // functions and methods of any type
	calls  map[string][]call         // calls of those from within the package
}

type file struct {
	pkg     *pkg
	name    string // path inside the module; modules other than k8s.io/kubernetes keep their path in front
	imports map[string]string
	tree    *ast.File
}

type function struct {
	file    *file
	decl    *ast.FuncDecl
	parents map[ast.Node]ast.Node
	defs    map[*ast.Object][]def
	ends    []*ast.ReturnStmt
}

type call struct {
	in   *function
	expr *ast.CallExpr
}

// A def is one place that gives a local variable a value.
type def struct {
	at      ast.Node
	value   ast.Expr
	result  int  // which result of a call that returns several
	element bool // the variable is an element of value
}

func newSource(modules map[string]string) *source {
	return &source{files: token.NewFileSet(), modules: modules, packages: map[string]*pkg{}}
}

// under returns the import paths of all packages at or below a path that holds Go files.
func (s *source) under(importPath string) []string {
	module, dir, ok := s.folder(importPath)
	if !ok {
		return nil
	}
	var found []string
	_ = filepath.WalkDir(dir, func(at string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() {
			return nil
		}
		switch entry.Name() {
		case "testing", "testdata", "test", "fake", "fakes", "metrics":
			return filepath.SkipDir
		}
		rest, _ := filepath.Rel(s.modules[module], at)
		found = append(found, path.Join(module, filepath.ToSlash(rest)))
		return nil
	})
	return found
}

func (s *source) folder(importPath string) (module, dir string, ok bool) {
	for module = importPath; module != "."; module = path.Dir(module) {
		if root, known := s.modules[module]; known {
			dir = filepath.Join(root, filepath.FromSlash(strings.TrimPrefix(importPath, module)))
			info, err := os.Stat(dir)
			return module, dir, err == nil && info.IsDir()
		}
	}
	return "", "", false
}

// load returns a package, or nil when it belongs to no module that is known here.
func (s *source) load(importPath string) *pkg {
	if known, ok := s.packages[importPath]; ok {
		return known
	}
	s.packages[importPath] = nil
	_, dir, ok := s.folder(importPath)
	if !ok {
		return nil
	}
	p := &pkg{src: s, path: importPath, values: map[string]*ast.ValueSpec{}, of: map[*ast.ValueSpec]*file{},
		funcs: map[string][]*function{}, calls: map[string][]call{}}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		panic(err)
	}
	sort.Strings(names)
	for _, name := range names {
		base := filepath.Base(name)
		if isOther(dir, base) {
			continue
		}
		tree, err := parser.ParseFile(s.files, name, nil, 0)
		if err != nil {
			panic(err)
		}
		rest := strings.TrimPrefix(path.Join(importPath, base), "k8s.io/kubernetes/")
		p.add(&file{pkg: p, name: rest, imports: importsOf(tree), tree: tree})
	}
	if len(p.files) == 0 {
		return nil
	}
	s.packages[importPath] = p
	return p
}

// onLinux tells which files are built into what runs on a Linux node.
var onLinux = build.Context{GOOS: "linux", GOARCH: "amd64", CgoEnabled: true, Compiler: "gc", ReleaseTags: build.Default.ReleaseTags}

// isOther returns whether a file says nothing on a Linux node: a test, a fake, generated, or of another system.
func isOther(dir, base string) bool {
	for _, start := range []string{"fake", "zz_", "testing"} {
		if strings.HasPrefix(base, start) {
			return true
		}
	}
	matches, err := onLinux.MatchFile(dir, base)
	return err != nil || !matches || strings.HasSuffix(base, "_test.go")
}

func importsOf(tree *ast.File) map[string]string {
	found := map[string]string{}
	for _, spec := range tree.Imports {
		to, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err)
		}
		name := path.Base(to)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		found[name] = to
	}
	return found
}

func (p *pkg) add(f *file) {
	p.files = append(p.files, f)
	for _, decl := range f.tree.Decls {
		switch decl := decl.(type) {
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				if spec, ok := spec.(*ast.ValueSpec); ok {
					p.of[spec] = f
					for _, name := range spec.Names {
						p.values[name.Name] = spec
					}
				}
			}
		case *ast.FuncDecl:
			if decl.Body != nil {
				fn := newFunction(f, decl)
				p.funcs[decl.Name.Name] = append(p.funcs[decl.Name.Name], fn)
				fn.collect()
				fn.ends = fn.returns()
			}
		}
	}
}

func newFunction(f *file, decl *ast.FuncDecl) *function {
	fn := &function{file: f, decl: decl, parents: map[ast.Node]ast.Node{}, defs: map[*ast.Object][]def{}}
	var stack []ast.Node
	ast.Inspect(decl, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if len(stack) > 0 {
			fn.parents[n] = stack[len(stack)-1]
		}
		stack = append(stack, n)
		return true
	})
	return fn
}

// collect notes every value of every local variable, and every call that may lead into this package.
func (fn *function) collect() {
	p := fn.file.pkg
	ast.Inspect(fn.decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			fn.assigned(n)
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if name.Obj != nil && len(n.Values) > 0 {
					fn.note(name.Obj, n, n.Values, i)
				}
			}
		case *ast.RangeStmt:
			if name, ok := n.Value.(*ast.Ident); ok && name.Obj != nil {
				fn.defs[name.Obj] = append(fn.defs[name.Obj], def{at: n, value: n.X, element: true})
			}
		case *ast.CallExpr:
			if name := calledName(n); name != "" {
				p.calls[name] = append(p.calls[name], call{fn, n})
			}
		}
		return true
	})
}

func (fn *function) assigned(n *ast.AssignStmt) {
	for i, left := range n.Lhs {
		name, ok := left.(*ast.Ident)
		if !ok || name.Obj == nil {
			continue
		}
		if n.Tok == token.ADD_ASSIGN {
			sum := &ast.BinaryExpr{X: name, Op: token.ADD, OpPos: n.Pos(), Y: n.Rhs[0]}
			fn.defs[name.Obj] = append(fn.defs[name.Obj], def{at: n, value: sum})
			continue
		}
		fn.note(name.Obj, n, n.Rhs, i)
	}
}

func (fn *function) note(object *ast.Object, at ast.Node, values []ast.Expr, i int) {
	one := def{at: at, value: values[0], result: i}
	if len(values) > 1 {
		one = def{at: at, value: values[i]}
	}
	fn.defs[object] = append(fn.defs[object], one)
}

// methods returns the package that has methods of a name: the file's own, or one that it imports.
func (f *file) methods(name string) *pkg {
	if len(f.pkg.funcs[name]) > 0 || !ast.IsExported(name) {
		return f.pkg
	}
	paths := make([]string, 0, len(f.imports))
	for _, to := range f.imports {
		if followed.MatchString(to) {
			paths = append(paths, to)
		}
	}
	sort.Strings(paths)
	for _, to := range paths {
		if p := f.pkg.src.load(to); p != nil && len(p.funcs[name]) > 0 {
			return p
		}
	}
	return f.pkg
}

func calledName(n *ast.CallExpr) string {
	switch fun := n.Fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		return fun.Sel.Name
	}
	return ""
}
