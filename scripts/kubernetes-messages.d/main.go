// Command kubernetes-messages reads what Kubernetes can say about a pod from the sources of several of its
// releases, and writes it as data. See scripts/kubernetes-messages.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strings"
)

type module struct{ path, version, sum string }

func main() {
	if len(os.Args) != 3 {
		fail("usage: kubernetes-messages MODULES OUTPUT")
	}
	releases := map[string]map[string]string{}
	versions := map[string]string{}
	for _, m := range pinned(os.Args[1]) {
		minor := "1." + strings.Split(m.version, ".")[1]
		if releases[minor] == nil {
			releases[minor] = map[string]string{}
		}
		releases[minor][m.path] = folder(m)
		if m.path == "k8s.io/kubernetes" {
			versions[minor] = m.version
		}
	}
	minors := make([]string, 0, len(releases))
	for minor := range releases {
		minors = append(minors, minor)
	}
	sort.Strings(minors)
	rows := map[row]*seen{}
	for i, minor := range minors {
		merge(rows, all(newSource(releases[minor])), i, minor)
	}
	if err := os.WriteFile(os.Args[2], page(rows, minors, versions), 0o644); err != nil {
		fail(err.Error())
	}
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, "kubernetes-messages:", text)
	os.Exit(1)
}

// pinned reads the list of modules: path, version and checksum in a line.
func pinned(name string) []module {
	file, err := os.Open(name)
	if err != nil {
		fail(err.Error())
	}
	defer file.Close()
	var found []module
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		words = append(words, "")
		found = append(found, module{words[0], words[1], words[2]})
	}
	return found
}

// folder downloads a module and returns where it lies; the checksum must be the one that is pinned.
func folder(m module) string {
	var out, wrong bytes.Buffer
	download := exec.Command("go", "mod", "download", "-json", m.path+"@"+m.version)
	download.Dir = os.TempDir() // outside of any module, whose go.mod would be changed
	download.Stdout, download.Stderr = &out, &wrong
	err := download.Run()
	var got struct{ Dir, Sum, Error string }
	if json.Unmarshal(out.Bytes(), &got) != nil || err != nil {
		fail(fmt.Sprintf("%s %s: %s %s", m.path, m.version, got.Error, wrong.String()))
	}
	if got.Sum != m.sum {
		fail(fmt.Sprintf("%s %s is %s, and not what is pinned", m.path, m.version, got.Sum))
	}
	return got.Dir
}
