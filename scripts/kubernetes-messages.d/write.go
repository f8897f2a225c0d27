package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// A row is a message without the file that it stands in, which moves from release to release.
type row struct {
	kind, component, about, level, reason, text string
}

type seen struct {
	file     string          // in the newest release that has it
	points   map[string]bool // of the scheduler, as far as they are known
	newest   int
	releases map[string]bool
}

func merge(rows map[row]*seen, found map[message]bool, release int, minor string) {
	for m := range found {
		key := row{m.kind, m.component, m.about, m.level, m.reason, m.text}
		one := rows[key]
		if one == nil {
			one = &seen{newest: -1, points: map[string]bool{}, releases: map[string]bool{}}
			rows[key] = one
		}
		if one.newest < release {
			one.newest, one.file = release, m.file
		} else if m.file < one.file {
			one.file = m.file
		}
		one.releases[minor] = true
		if m.point != "" {
			one.points[m.point] = true
		}
	}
}

const head = `# Reasons and messages that Kubernetes can say about a pod, read from its sources by scripts/kubernetes-messages.
# Facts only, no source code: words and formats (the verbs are those of Go's package fmt).
# Kubernetes is the work of the Kubernetes Authors, https://kubernetes.io, under the Apache License 2.0.
`

// page returns the data file: one message in a line, by the file that it stands in, sorted.
func page(rows map[row]*seen, minors []string, versions map[string]string) []byte {
	var out bytes.Buffer
	out.WriteString(head)
	out.WriteString("kubernetes: {")
	for i, minor := range minors {
		if i > 0 {
			out.WriteString(", ")
		}
		fmt.Fprintf(&out, "%q: %s", minor, versions[minor])
	}
	out.WriteString("}\nsources:\n")
	keys := make([]row, 0, len(rows))
	for key := range rows {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return order(keys[i], rows[keys[i]]) < order(keys[j], rows[keys[j]]) })
	last := ""
	for _, key := range keys {
		source := fmt.Sprintf("- component: %s\n  file: %s\n  messages:\n", key.component, rows[key].file)
		if source != last {
			out.WriteString(source)
			last = source
		}
		out.WriteString(line(key, rows[key]))
	}
	return out.Bytes()
}

func order(r row, s *seen) string {
	return strings.Join([]string{r.component, s.file, r.kind, r.reason, r.text, r.about, r.level}, "\x00")
}

func line(r row, s *seen) string {
	fields := []string{"kind: " + r.kind}
	if r.about != "" {
		fields = append(fields, "about: "+r.about)
	}
	if r.level != "" {
		fields = append(fields, "type: "+r.level)
	}
	if len(s.points) > 0 {
		fields = append(fields, "points: "+list(s.points))
	}
	fields = append(fields, "reason: "+quoted(r.reason), "message: "+quoted(r.text), "versions: "+list(s.releases))
	return "  - {" + strings.Join(fields, ", ") + "}\n"
}

func list(words map[string]bool) string {
	all := make([]string, 0, len(words))
	for word := range words {
		all = append(all, quoted(word))
	}
	sort.Strings(all)
	return "[" + strings.Join(all, ", ") + "]"
}

// quoted returns a text as a YAML string in double quotes; JSON's is one.
func quoted(text string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
