// overlay FOLDER OUT PACKAGE...: for "go build -overlay" and "go test -overlay" of the reference plugins.
//
// The specs of a plugin call its cmdAdd, cmdDel, cmdCheck and cmdStatus in their own process. The overlay gives
// those names, and main, to the functions of blackbox.go.txt, which run the plugin of that name on $PATH with
// the same environment and standard input. The module's own functions stay under other names, since
// the specs also use what stands around them. No file of the module is changed.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

//go:embed blackbox.go.txt
var blackBox []byte

var replaced = map[string]bool{"main": true, "cmdAdd": true, "cmdDel": true, "cmdCheck": true, "cmdStatus": true}

// Of ginkgo before its second version; which one it is, the module says.
var firstGinkgo = strings.NewReplacer("ginkgo/v2", "ginkgo",
	"CurrentSpecReport().FullText()", "CurrentGinkgoTestDescription().FullTestText")

func ownSource(module string) ([]byte, error) {
	requirements, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil || bytes.Contains(requirements, []byte("onsi/ginkgo/v2 ")) {
		return blackBox, err
	}
	return []byte(firstGinkgo.Replace(string(blackBox))), nil
}

// rename gives each function of ours another name, and keeps every line of the source where it is.
func rename(file string) ([]byte, bool, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return nil, false, err
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, false, err
	}
	var renamed bytes.Buffer
	written := 0
	for _, declaration := range parsed.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || function.Recv != nil || !replaced[function.Name.Name] {
			continue
		}
		at := set.Position(function.Name.Pos()).Offset
		renamed.Write(source[written:at])
		renamed.WriteString("reference")
		written = at
	}
	renamed.Write(source[written:])
	return renamed.Bytes(), written > 0, nil
}

// cover adds what replaces the files of one package to `replace`.
func cover(folder, out string, source []byte, replace map[string]string) error {
	plugin := filepath.Base(folder)
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return err
	}
	write := func(name string, text []byte) error {
		written := filepath.Join(out, plugin+"-"+name)
		replace[filepath.Join(folder, name)] = written
		return os.WriteFile(written, text, 0o644)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, changed, err := rename(file)
		if err == nil && changed {
			err = write(filepath.Base(file), text)
		}
		if err != nil {
			return err
		}
	}
	return write("blackbox.go", bytes.ReplaceAll(source, []byte("PLUGIN"), []byte(plugin)))
}

func run(folder, out string, packages []string) error {
	replace := map[string]string{}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	source, err := ownSource(filepath.Dir(folder))
	if err != nil {
		return err
	}
	for _, name := range packages {
		if err := cover(filepath.Join(folder, name), out, source, replace); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	text, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "overlay.json"), text, 0o644)
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: overlay FOLDER OUT PACKAGE...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "overlay:", err)
		os.Exit(1)
	}
}
