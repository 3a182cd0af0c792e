package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/family/age"
)

// A form that somebody in office signs is a struct of its package: a page asks for its
// fields, in its words, and reads them back into it. So a page asks for what the file of the
// terminal has, and for nothing else.

// A formField is a field of such a form, or a group of them.
type formField struct {
	Name    string // as it is sent: "risks.0.left"
	ID      string // on the page
	Label   string
	Of      string // the group that it is in: one hears of which question it is the score
	Kind    fieldKind
	Value   string
	Choices []formChoice
	Fields  []formField // of a group
	Bad     bool        // what was refused
	Must    bool
}

// Chosen is what a field says, in words.
func (f formField) Chosen() (all []string) {
	for _, c := range f.Choices {
		if c.Chosen {
			all = append(all, c.Label)
		}
	}
	return all
}

// Filled reports whether anything is said in a field.
func (f formField) Filled() bool {
	return f.Value != "" || len(f.Chosen()) > 0 || slices.ContainsFunc(f.Fields, formField.Filled)
}

// A formChoice is one of a few things that a field can say.
type formChoice struct {
	Value, Label string
	Chosen       bool
}

// A fieldKind is how a field is filled in.
type fieldKind string

// The kinds of fields.
const (
	asText   fieldKind = "text"
	asArea   fieldKind = "area" // several lines
	asChoice fieldKind = "choice"
	asDay    fieldKind = "day"
	asMoment fieldKind = "moment" // to the second, in Shanghai
	asFile   fieldKind = "file"   // of which the hash is kept
	asYes    fieldKind = "yes"
	asScope  fieldKind = "scope" // items by purpose
	asGroup  fieldKind = "group"
	asNone   fieldKind = ""
)

// An asking says how the fields of a form are asked for where their types don't.
type asking struct {
	lang  i18n.Lang
	kinds map[string]fieldKind    // by the field's name, or the last one in it; areas, otherwise
	says  map[string][]formChoice // likewise, of choices
	gives map[string][]string     // the items of a scope, by purpose
	label func(purpose, item string) string
	bad   string // the name of what was refused
	more  bool   // rows to fill in are added to lists
}

// choose gives a field its choices, in the words of console.form.
func (a *asking) choose(name string, values ...string) {
	if a.says == nil {
		a.says, a.kinds = make(map[string][]formChoice), make(map[string]fieldKind)
	}
	a.kinds[name], a.says[name] = asChoice, nil
	for _, v := range values {
		a.says[name] = append(a.says[name], formChoice{Value: v, Label: a.lang.T("console.form." + name + "." + v)})
	}
}

// reworded are the fields that a page calls otherwise than the file of the terminal: there
// one types what here is chosen.
var reworded = []string{"by", "institution", "report", "scope", "score", "risks", "level", "treatment", "left", "signed_on", "valid_until", "document", "from", "until", "mechanism",
	"supervised_every", "outcome",
	"holds", "why", "of", "likelihood", "severity", "beyond"}

// fieldRows is how many rows of a list can be filled in at least, and how many are empty.
const fieldRows, spareRows = 3, 1

// fields are those of a form that is filled in so far.
func (a *asking) fields(form reflect.Value, prefix string) (all []formField) {
	t := form.Type()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if kind, named := a.kinds[name]; named && kind == asNone {
			continue
		}
		zh, en, _ := strings.Cut(t.Field(i).Tag.Get("doc"), "|")
		label := zh
		if a.lang == i18n.English {
			label = en
		}
		if _, itself := a.kinds[prefix+name]; slices.Contains(reworded, name) && (prefix == "" || !itself) {
			label = a.lang.T("console.form.label." + name)
		}
		f := a.field(form.Field(i), prefix+name, name)
		f.Label = capital(label)
		f.gathers()
		if strings.Contains(t.Field(i).Tag.Get("json"), ",omitempty") {
			f.Must = false
		}
		all = append(all, f)
	}
	return all
}

func (a *asking) field(v reflect.Value, at, name string) formField {
	f := formField{Name: at, ID: "f-" + strings.ReplaceAll(at, ".", "-"), Bad: a.bad != "" && (at == a.bad || strings.HasPrefix(at, a.bad+".")), Must: a.more}
	switch v.Kind() {
	case reflect.Struct:
		f.Kind, f.Fields = asGroup, a.fields(v, at+".")
	case reflect.Slice:
		f.Kind = asGroup
		n := v.Len()
		if a.more {
			n = max(fieldRows, n+spareRows)
		}
		for i := range n {
			row := reflect.Zero(v.Type().Elem())
			if i < v.Len() {
				row = v.Index(i)
			}
			one := a.field(row, at+"."+strconv.Itoa(i), strconv.Itoa(i))
			one.Label = strconv.Itoa(i + 1)
			one.gathers()
			one.loosen()
			f.Fields = append(f.Fields, one)
		}
	case reflect.Map:
		f.Kind, f.Choices = asScope, a.scope(v)
	case reflect.Bool:
		f.Kind, f.Must = asYes, false
		if v.Bool() {
			f.Value = "yes"
		}
	case reflect.Int:
		if f.Kind = asChoice; v.Int() >= 0 { // of less nobody has said anything
			f.Value = strconv.FormatInt(v.Int(), 10)
		}
	default:
		f.Kind, f.Value = asArea, v.String()
	}
	kind, named := a.kinds[at]
	if !named {
		kind, named = a.kinds[name]
	}
	if named && f.Kind != asGroup {
		f.Kind = kind
	}
	switch f.Kind {
	case asChoice:
		f.Choices = slices.Clone(a.says[name])
		for i := range f.Choices {
			f.Choices[i].Chosen = f.Choices[i].Value == f.Value
		}
	case asMoment:
		if t, err := time.Parse(time.RFC3339, f.Value); err == nil {
			f.Value = t.In(age.Zone).Format(time.DateTime)
		}
	}
	return f
}

// gathers tells the fields of a group of which group they are.
func (f *formField) gathers() {
	for i := range f.Fields {
		f.Fields[i].within(f.Label)
	}
}

func (f *formField) within(label string) {
	f.Of = strings.TrimSpace(label + " " + f.Of)
	for i := range f.Fields {
		f.Fields[i].within(label)
	}
}

// capital begins a label as a sentence.
func capital(label string) string {
	r, n := utf8.DecodeRuneInString(label)
	return string(unicode.ToUpper(r)) + label[n:]
}

// unjudged takes out of a form what somebody has judged: that something holds, and how it is
// scored. What was written stays, and so do risks.
func unjudged(form reflect.Value) {
	for i := range form.NumField() {
		switch f := form.Field(i); f.Kind() {
		case reflect.Struct:
			unjudged(f)
		case reflect.Int:
			f.SetInt(-1)
		case reflect.Bool:
			f.SetBool(false)
		}
	}
}

// loosen lets a row be left empty.
func (f *formField) loosen() {
	f.Must = false
	for i := range f.Fields {
		f.Fields[i].loosen()
	}
}

func (a *asking) scope(v reflect.Value) (all []formChoice) {
	is, _ := v.Convert(reflect.TypeFor[map[string][]string]()).Interface().(map[string][]string)
	gives := a.gives
	if gives == nil {
		gives = is
	}
	for _, purpose := range slices.Sorted(maps.Keys(gives)) {
		for _, item := range gives[purpose] {
			all = append(all, formChoice{Value: purpose + ":" + item, Label: a.label(purpose, item), Chosen: slices.Contains(is[purpose], item)})
		}
	}
	return all
}

// maxFieldRows is how many rows of a list are read.
const maxFieldRows = 101

// read reads a form that was sent.
func (v *visit) read(a *asking, into reflect.Value, prefix string) error {
	t := into.Type()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if kind, named := a.kinds[name]; named && kind == asNone {
			continue
		}
		if err := v.readField(a, into.Field(i), prefix+name, name); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) readField(a *asking, into reflect.Value, at, name string) error {
	switch into.Kind() {
	case reflect.Struct:
		return v.read(a, into, at+".")
	case reflect.Slice:
		all := reflect.MakeSlice(into.Type(), 0, fieldRows)
		for i := range maxFieldRows {
			one := at + "." + strconv.Itoa(i)
			if !v.sent(one) {
				continue
			}
			row := reflect.New(into.Type().Elem()).Elem()
			if err := v.readField(a, row, one, ""); err != nil {
				return err
			}
			all = reflect.Append(all, row)
		}
		into.Set(all)
	case reflect.Map:
		scope := make(map[string][]string)
		for _, sent := range v.r.PostForm[at] {
			purpose, item, _ := strings.Cut(sent, ":")
			scope[purpose] = append(scope[purpose], item)
		}
		into.Set(reflect.ValueOf(scope).Convert(into.Type()))
	case reflect.Bool:
		into.SetBool(v.r.PostFormValue(at) != "")
	case reflect.Int:
		n, err := strconv.Atoi(v.value(at))
		if err != nil {
			n = -1 // nobody has scored it
		}
		into.SetInt(int64(n))
	default:
		text := strings.ReplaceAll(v.value(at), "\r\n", "\n")
		switch a.kinds[name] {
		case asMoment:
			text = readMoment(text)
		case asFile:
			hash, err := v.hashOf(at)
			if err != nil {
				return err
			}
			if hash != "" {
				text = hash
			}
		}
		into.SetString(text)
	}
	return nil
}

// sent reports whether anything was filled in in a row.
func (v *visit) sent(row string) bool {
	for name, values := range v.r.PostForm {
		if strings.HasPrefix(name, row+".") && slices.ContainsFunc(values, func(s string) bool { return strings.TrimSpace(s) != "" }) {
			return true
		}
	}
	return false
}

// readMoment returns a moment as forms have it; what is none stays as it was typed, and is
// refused as that.
func readMoment(text string) string {
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05", "2006-01-02T15:04"} { // as it is typed, and as browsers send it
		if t, err := time.ParseInLocation(layout, text, age.Zone); err == nil {
			return t.Format(time.RFC3339)
		}
	}
	return text
}

// hashOf returns the hash of a document that was sent, which is kept nowhere; "" where none
// was.
func (v *visit) hashOf(name string) (string, error) {
	if v.r.MultipartForm == nil || len(v.r.MultipartForm.File[name+".file"]) == 0 {
		return "", nil
	}
	r, err := v.r.MultipartForm.File[name+".file"][0].Open()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, r.Close())
}

// multipart reads the fields of a form that may bring documents.
func (v *visit) multipart() error {
	if err := v.r.ParseMultipartForm(maxDocument); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return tooLarge(err)
	}
	return areText(v.r.PostForm)
}
