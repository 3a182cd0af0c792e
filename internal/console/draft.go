package console

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// What is wrong with a form that brings files.
var (
	ErrTooLarge   = errs.New(errs.TooLarge, "console.too_large")
	ErrUnreadable = errs.New(errs.Malformed, "console.unreadable")        // it isn't the form of a page
	ErrOther      = errs.New(errs.Invalid, "console.draft.other_service") // the charter is another service's
	ErrFile       = errs.New(errs.Invalid, "console.draft.file_unknown")  // it isn't called as one of a charter's files
)

// draftPage is what draft.html shows: a charter that is being written.
type draftPage struct {
	Service  string
	Files    []draftFile
	Checked  bool
	Problems []misstep
	Plan     *planned // of a charter that is whole
	Problem  string
}

// A draftFile is a text area with one of the charter's files.
type draftFile struct {
	file
	Title string // a key
	Bad   bool
}

// A misstep is what is wrong in a file, and the line that it is in.
type misstep struct {
	File  string
	Line  int // 0: it is about the whole file
	Words string
	Text  string // of the line
}

// showDraft shows the charter that is in force, to be changed.
func (s *Server) showDraft(v *visit) error {
	page := draftPage{}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.ProposeCharter)
		if err != nil {
			return err
		}
		c, err := s.inForce(ctx, tx, service.Name)
		if err != nil {
			return err
		}
		page.Service = service.Name
		texts := make(folder)
		if service.Charter > 0 {
			for _, f := range filesOf(c) {
				texts[f.Name] = f.Text
			}
		}
		page.Files = texts.files(nil)
		return nil
	})
	if err != nil {
		return err
	}
	visitor.Script(v.w)
	return v.show(http.StatusOK, "draft", page)
}

// draft reads what was written, says what is wrong with it or what it changes, and
// proposes it if that was asked for. Nothing is kept of what is only checked.
func (s *Server) draft(v *visit) error {
	texts, err := v.folder()
	if err != nil {
		return v.draftPage(texts, nil, err)
	}
	c, err := charter.Load(texts)
	problems, wrong := errors.AsType[charter.Problems](err)
	switch {
	case wrong:
		return v.draftPage(texts, problems, nil)
	case err != nil:
		return err
	case c.Service != v.r.PathValue("service"):
		return v.draftPage(texts, nil, ErrOther)
	case v.r.PostFormValue("do") != "propose":
		return v.draftPage(texts, nil, nil)
	}
	// Whom it touches is counted before: it reads every consent, and nobody waits for it.
	var touches catalog.Touches
	err = v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		if _, err = v.of(ctx, tx, staff.ProposeCharter); err == nil {
			touches, err = consent.Touched(ctx, tx, c.Service)
		}
		return err
	})
	if err != nil {
		return err
	}
	var number int64
	err = v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		d, _, err := approval.ProposeCharter(ctx, tx, s.Ring, in.Person, c, touches)
		number = d.Number
		return err
	})
	if err != nil {
		return v.draftPage(texts, nil, err)
	}
	return v.to("/console/charters/" + c.Service + "/" + strconv.FormatInt(number, 10))
}

func (v *visit) draftPage(texts folder, problems charter.Problems, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	if len(problems) > 0 && v.r.PostFormValue("do") == "propose" {
		status = http.StatusUnprocessableEntity
	}
	page := draftPage{Checked: true, Problem: words, Files: texts.files(problems)}
	lang := charter.Chinese
	if v.lang == i18n.English {
		lang = charter.English
	}
	for _, p := range problems {
		m := misstep{File: p.File, Line: p.Line, Words: p.In(lang)}
		if lines := strings.Split(texts[p.File], "\n"); p.Line > 0 && p.Line <= len(lines) {
			m.Text = short(strings.TrimRight(lines[p.Line-1], "\r"))
		}
		page.Problems = append(page.Problems, m)
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.ProposeCharter)
		if err != nil {
			return err
		}
		page.Service = service.Name
		if len(problems) > 0 || errs.Of(problem).Is(ErrTooLarge) || errs.Of(problem).Is(ErrFile) || errs.Of(problem).Is(ErrOther) {
			return nil
		}
		c, err := charter.Load(texts)
		if err != nil {
			return nil // what is wrong with it was said
		}
		var former *charter.Charter
		if service.Charter > 0 {
			if former, err = v.s.inForce(ctx, tx, service.Name); err != nil {
				return err
			}
		}
		p := v.plan(former, c)
		page.Plan = &p
		return nil
	})
	if err != nil {
		return err
	}
	visitor.Script(v.w)
	return v.show(status, "draft", page)
}

// maxLine is how many characters of a line are shown beside what is wrong in it.
const maxLine = 120

func short(line string) string {
	if runes := []rune(line); len(runes) > maxLine {
		return string(runes[:maxLine]) + "…"
	}
	return line
}

// A folder is a charter's files, as they were sent.
type folder map[string]string

// charterFiles are the names of the files.
var charterFiles = []string{charter.File, charter.ProseFile("rules", charter.Chinese), charter.ProseFile("agreement", charter.Chinese),
	charter.ProseFile("rules", charter.English), charter.ProseFile("agreement", charter.English)}

// files are the text areas, in order.
func (f folder) files(problems charter.Problems) (all []draftFile) {
	for _, name := range charterFiles {
		bad := slices.ContainsFunc(problems, func(p charter.Problem) bool { return p.File == name })
		all = append(all, draftFile{file{name, f[name]}, strings.ReplaceAll(name, ".", "_"), bad})
	}
	return all
}

// folder reads the files of a form: the text areas, and before them what was uploaded.
func (v *visit) folder() (folder, error) {
	f := make(folder)
	if err := v.r.ParseMultipartForm(maxDraft); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return f, tooLarge(err)
	}
	for _, name := range charterFiles {
		f[name] = v.r.PostFormValue(name)
	}
	if v.r.MultipartForm == nil {
		return f, nil
	}
	for _, sent := range v.r.MultipartForm.File["files"] {
		if sent.Filename == "" {
			continue
		}
		if !slices.Contains(charterFiles, sent.Filename) {
			return f, ErrFile.At("files")
		}
		r, err := sent.Open()
		if err != nil {
			return f, err
		}
		text, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			return f, err
		}
		f[sent.Filename] = string(text)
	}
	for _, text := range f {
		if !visitor.IsText(text) {
			return nil, ErrUnreadable
		}
	}
	return f, nil
}

// tooLarge says that a form was too large, or isn't one.
func tooLarge(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return ErrTooLarge
	}
	return ErrUnreadable
}

// Open makes a folder a file system, for charter.Load.
func (f folder) Open(name string) (fs.File, error) {
	text, ok := f[name]
	if !ok || text == "" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &opened{strings.NewReader(text), name}, nil
}

// An opened file of a folder.
type opened struct {
	*strings.Reader
	name string
}

func (o *opened) Stat() (fs.FileInfo, error) { return o, nil }
func (o *opened) Close() error               { return nil }
func (o *opened) Name() string               { return o.name }
func (o *opened) Mode() fs.FileMode          { return 0o444 }
func (o *opened) ModTime() time.Time         { return time.Time{} }
func (o *opened) IsDir() bool                { return false }
func (o *opened) Sys() any                   { return nil }
