package charter

import (
	"fmt"
	"sort"
	"strings"
)

// A Problem is one thing in a charter that must be changed, and what to write
// instead.
type Problem struct {
	File    string // "charter.yaml"
	Line    int    // from 1; 0 when there is no text, as with Parse
	Column  int    // from 1
	Path    string // "purposes/0/retention/period"
	Message string // in English; see In

	chinese string
}

// In returns the message in a language.
func (p Problem) In(lang Lang) string {
	if lang == Chinese {
		return p.chinese
	}
	return p.Message
}

// Error returns file:line:column: message.
func (p Problem) Error() string {
	switch {
	case p.Line > 0:
		return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	case p.Path != "":
		return fmt.Sprintf("%s: %s: %s", p.File, p.Path, p.Message)
	}
	return p.File + ": " + p.Message
}

// Problems are all that is wrong with a charter, in the order of the text. They
// are the error of Load and Parse.
type Problems []Problem

// Error returns one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// maxProblems bounds a report. A file with more is broken in one place that
// shows in many.
const maxProblems = 200

// A report gathers problems and knows where in the text each path stands.
type report struct {
	file     string
	places   map[string]place // nil when there is no text
	problems Problems
	said     map[string]bool // paths whose own shape is wrong
	shaped   bool            // from here on, problems are about how parts fit together
}

type place struct{ line, column int }

func newReport(file string) *report {
	return &report{file: file, said: map[string]bool{}}
}

// add reports a problem at a path, in Chinese and in English. Both texts take
// the same arguments in the same order; Words among them are said in the
// language of the text.
func (r *report) add(path, zh, en string, args ...any) {
	if !r.shaped {
		r.said[path] = true
	}
	if len(r.problems) >= maxProblems {
		return
	}
	at := r.locate(path)
	r.problems = append(r.problems, Problem{
		File: r.file, Line: at.line, Column: at.column, Path: path,
		Message: say(English, en, args), chinese: say(Chinese, zh, args),
	})
}

// addIn reports a problem of a whole file.
func (r *report) addIn(file string, line int, zh, en string, args ...any) {
	if len(r.problems) >= maxProblems {
		return
	}
	column := 0
	if line > 0 {
		column = 1
	}
	r.problems = append(r.problems, Problem{
		File: file, Line: line, Column: column,
		Message: say(English, en, args), chinese: say(Chinese, zh, args),
	})
}

func say(lang Lang, format string, args []any) string {
	spoken := make([]any, len(args))
	for i, a := range args {
		if w, ok := a.(Words); ok {
			a = w.In(lang)
		}
		spoken[i] = a
	}
	return fmt.Sprintf(format, spoken...)
}

// locate finds the place of a path, or of the nearest thing around it: what is
// missing has no place of its own.
func (r *report) locate(path string) place {
	for r.places != nil {
		if at, ok := r.places[path]; ok {
			return at
		}
		if path == "" {
			return place{1, 1}
		}
		path = parent(path)
	}
	return place{}
}

// silent reports whether the shape of the path, or of what is around it, is
// already known to be wrong: a value that could not be read is not also blank.
func (r *report) silent(path string) bool {
	for {
		if r.said[path] {
			return true
		}
		if path == "" {
			return false
		}
		path = parent(path)
	}
}

// err returns the problems in the order of the text, or nil.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	sort.SliceStable(r.problems, func(i, j int) bool {
		a, b := r.problems[i], r.problems[j]
		if a.File != b.File {
			return a.File == r.file || b.File != r.file && a.File < b.File
		}
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	return r.problems
}

func parent(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return ""
}

func join(path string, name any) string {
	if path == "" {
		return fmt.Sprint(name)
	}
	return fmt.Sprintf("%s/%v", path, name)
}
