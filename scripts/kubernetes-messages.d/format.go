package main

import (
	"go/ast"
	"regexp"
	"strings"
)

func orVerb(texts []string) []string {
	if texts == nil {
		return []string{"%s"}
	}
	return texts
}

func product(left, right []string) []string {
	if len(left)*len(right) > maxTexts {
		return nil
	}
	var all []string
	for _, l := range left {
		for _, r := range right {
			all = append(all, l+r)
		}
	}
	return all
}

func unique(texts []string) []string {
	seen := map[string]bool{}
	var all []string
	for _, text := range texts {
		if !seen[text] {
			seen[text] = true
			all = append(all, text)
		}
	}
	if len(all) > maxTexts {
		return nil
	}
	return all
}

func without(texts []string, one string) []string {
	var all []string
	for _, text := range texts {
		if text != one {
			all = append(all, text)
		}
	}
	return all
}

// format returns a format with the texts that are known put in place of their verbs.
func (s scope) format(args []ast.Expr) []string {
	if len(args) == 0 {
		return nil
	}
	var formats []string
	for _, one := range s.deeper().eval(args[0]) {
		formats = append(formats, strings.ReplaceAll(one, "%%", "%"))
	}
	var all []string
	for _, one := range formats {
		all = append(all, s.filled(one, args[1:])...)
	}
	return unique(all)
}

func (s scope) filled(format string, args []ast.Expr) []string {
	if strings.Contains(format, "%[") {
		return []string{format}
	}
	texts := []string{""}
	next := 0
	for len(format) > 0 {
		at := strings.IndexByte(format, '%')
		if at < 0 || at+1 >= len(format) {
			texts = product(texts, []string{format})
			break
		}
		end := at + 1
		for end < len(format)-1 && strings.IndexByte("+-# 0123456789.", format[end]) >= 0 {
			end++
		}
		verb := format[at : end+1]
		pieces := []string{verb}
		if format[end] != '%' {
			if next < len(args) {
				pieces = s.piece(verb, args[next])
			}
			next++
		}
		grown := product(product(texts, []string{format[:at]}), pieces)
		if grown == nil {
			grown = product(product(texts, []string{format[:at]}), []string{verb})
		}
		texts = grown
		format = format[end+1:]
	}
	return texts
}

func (s scope) piece(verb string, arg ast.Expr) []string {
	kind := verb[len(verb)-1]
	if strings.IndexByte("svqw", kind) < 0 {
		return []string{verb}
	}
	if s.outer && (kind == 'w' || kind == 'v') {
		return []string{verb}
	}
	known := s.deeper().eval(arg)
	if len(known) == 0 {
		return []string{verb}
	}
	var all []string
	for _, one := range known {
		switch {
		case isVerb(one):
			one = verb
		case kind == 'q':
			one = `"` + one + `"`
		}
		all = append(all, one)
	}
	return unique(all)
}

// isVerb returns whether a format is a verb and nothing else.
func isVerb(text string) bool {
	switch text {
	case "", "%s", "%v", "%w", "%+v", "%q", "%d":
		return true
	}
	return false
}

var letters = regexp.MustCompile(`[A-Za-z]`)
var verbs = regexp.MustCompile(`%[-+# 0]*[0-9.]*[A-Za-z]`)

// isEmpty returns whether a format has no word of its own.
func isEmpty(text string) bool { return !letters.MatchString(verbs.ReplaceAllString(text, "")) }
