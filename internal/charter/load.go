package charter

import (
	"errors"
	"io"
	"io/fs"
	"reflect"
	"strings"
	"unicode/utf8"
)

// File is the name of the file that a charter's folder must hold. Beside it
// stand the prose files: see ProseFile.
const File = "charter.yaml"

// maxFile is the most bytes of one file.
const maxFile = 1 << 20

// ProseFile returns the name of the Markdown file of a text that Article 8
// demands, "rules" or "agreement", in a language: rules.zh-CN.md.
func ProseFile(kind string, lang Lang) string { return kind + "." + string(lang) + ".md" }

// Load reads a charter from its folder. The error is Problems: everything that
// is wrong, in the order of the text, and what to write instead.
func Load(fsys fs.FS) (*Charter, error) {
	r := newReport(File)
	c := &Charter{}
	if text, ok := readFile(fsys, r, File); ok {
		decode(text, reflect.ValueOf(c).Elem(), r)
	} else {
		r.said[""] = true
	}
	c.Rules = loadProse(fsys, r, "rules")
	c.Agreement = loadProse(fsys, r, "agreement")
	strangers(fsys, r)
	check(c, r)
	if err := r.err(); err != nil {
		return nil, err
	}
	return c, nil
}

func loadProse(fsys fs.FS, r *report, kind string) map[Lang]string {
	prose := map[Lang]string{}
	for _, lang := range Langs {
		text, ok := readFile(fsys, r, ProseFile(kind, lang))
		if !ok {
			r.said[join(kind, lang)] = true
			continue
		}
		prose[lang] = text
	}
	return prose
}

// readFile returns the text of a file with Unix line ends and without a byte
// order mark, so that the same words have the same hash whoever saved them.
func readFile(fsys fs.FS, r *report, name string) (string, bool) {
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		r.addIn(name, 0, "缺少这个文件，请写一个", "this file is missing; write it")
		return "", false
	}
	if err != nil {
		r.addIn(name, 0, "无法打开这个文件", "this file can't be opened")
		return "", false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		r.addIn(name, 0, "无法读取这个文件", "this file can't be read")
		return "", false
	case len(data) > maxFile:
		r.addIn(name, 0, "文件超过 %d 字节，请缩短", "it is larger than %d bytes; shorten it", maxFile)
		return "", false
	}
	return readText(string(data), r, name)
}

// readText returns a text as readFile does.
func readText(text string, r *report, name string) (string, bool) {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	if line, bad := badLine(text); bad {
		r.addIn(name, line, "这一行有不是 UTF-8 的字节或看不见的控制字符，请用 UTF-8 保存并删掉它们", "this line has bytes that are not UTF-8, or invisible control characters; save it as UTF-8 and delete them")
		return "", false
	}
	return text, true
}

// badLine finds the first line with a character that a reader can't see and
// that changes what is read.
func badLine(text string) (line int, bad bool) {
	for i, s := range strings.Split(text, "\n") {
		if !cleanLine(s) {
			return i + 1, true
		}
	}
	return 0, false
}

func cleanLine(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r != '\t' && misleading(r) }) < 0
}

// strangers reports prose in a language that no charter speaks: it would be
// published by nobody, and its author would not know.
func strangers(fsys fs.FS, r *report) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return // a file system that can't list can still be read
	}
	for _, e := range entries {
		kind, rest, _ := strings.Cut(e.Name(), ".")
		lang, isProse := strings.CutSuffix(rest, ".md")
		if isProse && (kind == "rules" || kind == "agreement") && !contains(Langs, Lang(lang)) {
			r.addIn(e.Name(), 0, "不支持语言 “%s”，请改名为 %s 或 %s，或删掉", "there is no language %q; rename it to %s or %s, or delete it",
				short(lang), ProseFile(kind, Chinese), ProseFile(kind, English))
		}
	}
}
