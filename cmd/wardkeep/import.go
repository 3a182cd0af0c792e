package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/roster"
)

// Why an import can't begin.
var (
	errImportFile = errs.New(errs.NotFound, "cmd.import_file")
	errNotReady   = errs.New(errs.Conflict, "cmd.import_not_ready") // Article 8: something is missing
	errMapping    = errs.New(errs.Invalid, "cmd.import_map")
)

type importCmd struct {
	Service string            `required:"" short:"s" help:"${of_service}"`
	File    string            `arg:"" help:"${import_file}"`
	Yes     bool              `short:"y" help:"${import_yes}"`
	Map     map[string]string `mapsep:"none" placeholder:"ref=学号" help:"${import_map}"`
	Prefer  string            `enum:"sms,email" default:"sms" help:"${import_prefer}"`
	Locale  string            `enum:"zh-CN,en" default:"zh-CN" help:"${import_locale}"`
}

// Edge case 5: before a guardian's answer nothing is taken but the operator's
// reference, the birth date that says whether this is a child, and the contact
// of the person to ask. Every other column is not even read.
var (
	taken  = []roster.Column{roster.ColRef, roster.ColBirth, roster.ColPhone, roster.ColEmail, roster.ColRelation}
	unread = []roster.Column{roster.ColNickname, roster.ColGender, roster.ColGrade, roster.ColSchool, roster.ColGuardian,
		roster.ColRegistered, roster.ColDevice, roster.ColRemark}
)

// Run reads an export twice: first to say what it would do, and then, when told
// so, to enrol each child in a transaction of its own, together with the request
// that waits to be sent. If we crash in between, whoever is enrolled stays so,
// and running it again adds the rest.
func (c importCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error { return c.into(ctx, s, a) })
}

// into reads the export and enrols into an opened store.
func (c importCmd) into(ctx context.Context, s *session, a *app.App) error {
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("%w: %w", errImportFile, err)
	}
	defer f.Close()
	options, err := c.options(a.Store.Now())
	if err != nil {
		return err
	}
	if err := ready(ctx, a, c.Service); err != nil {
		return err
	}
	rows, err := roster.Open(f, options)
	if err != nil {
		return err
	}
	s.say("cmd.import.reading", "File", c.File, "Encoding", rows.Encoding(), "Total", rows.Total(), "Columns", labels(s, rows.Columns()))
	s.say("cmd.import.only")
	found, err := c.survey(ctx, s, a, rows)
	if err != nil {
		return err
	}
	found.print(s)
	if !c.Yes {
		s.say("cmd.import.dry")
		return nil
	}
	if rows, err = roster.Open(f, options); err != nil {
		return err
	}
	return c.enrol(ctx, s, a, rows, found.usable)
}

// options say which columns are read.
func (c importCmd) options(now time.Time) (roster.Options, error) {
	mapping := map[string]string{}
	for _, column := range unread {
		mapping[string(column)] = ""
	}
	for column, header := range c.Map {
		if !slices.Contains(taken, roster.Column(column)) {
			return roster.Options{}, fmt.Errorf("%w: %s", errMapping, column)
		}
		mapping[column] = header
	}
	return roster.Options{Mapping: mapping, Now: now}, nil
}

// ready refuses to take a child's data while the service lacks its charter or
// somebody in charge (Article 8).
func ready(ctx context.Context, a *app.App, service string) error {
	return a.Store.View(ctx, func(tx *db.Tx) error {
		v, err := catalog.Find(ctx, tx, service)
		if err != nil {
			return err
		}
		if missing := v.Missing(); len(missing) > 0 {
			return fmt.Errorf("%w: %v", errNotReady, missing)
		}
		return nil
	})
}

// A survey is what a file holds.
type survey struct {
	usable, rejected int
	there            int // already enrolled
	ask, nobody      int // contacts who may be asked, and who may not (edge case 11)
	faults, warnings map[roster.Code]int
	rejects          string // the file that lists them
}

// lookUp is how many references are looked up in one go.
const lookUp = 500

// survey reads the file to its end, writes the list of rejects, and changes
// nothing in the store.
func (c importCmd) survey(ctx context.Context, s *session, a *app.App, rows *roster.Reader) (found survey, err error) {
	found = survey{faults: map[roster.Code]int{}, warnings: map[roster.Code]int{}, rejects: c.File + ".rejects.csv"}
	out, err := os.OpenFile(found.rejects, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return found, fmt.Errorf("%w: %w", errImportFile, err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	list := roster.NewRejectFile(out)
	bar := s.progress("cmd.progress.read", rows.Total())
	defer bar.end()
	var refs []pii.Text
	for {
		row, reject, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && reject != nil {
			found.reject(*reject)
			err = list.Write(*reject)
		}
		if err == nil && reject == nil {
			found.row(row)
			refs = append(refs, row.Ref)
		}
		if err == nil && len(refs) == lookUp {
			err = found.look(ctx, a, c.Service, refs)
			refs = refs[:0]
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return found, err
		}
		bar.add(1)
	}
	if err := found.look(ctx, a, c.Service, refs); err != nil {
		return found, err
	}
	return found, list.Flush()
}

func (v *survey) reject(r roster.Reject) {
	v.rejected++
	for _, why := range r.Reasons {
		v.faults[why.Code]++
	}
}

func (v *survey) row(row roster.Row) {
	v.usable++
	if row.Guardian.Relation.ClaimsGuardianship() {
		v.ask++
	} else {
		v.nobody++
	}
	for _, w := range row.Warnings {
		v.warnings[w.Code]++
	}
}

// look counts which children are there already.
func (v *survey) look(ctx context.Context, a *app.App, service string, refs []pii.Text) error {
	return a.Store.View(ctx, func(tx *db.Tx) error {
		for _, ref := range refs {
			switch _, err := family.FindByRef(ctx, tx, a.Ring, service, ref); {
			case err == nil:
				v.there++
			case !errors.Is(err, family.ErrNotFound):
				return err
			}
		}
		return nil
	})
}

// print says what the file holds, and why what isn't usable isn't.
func (v survey) print(s *session) {
	s.say("cmd.import.found", "Usable", v.usable, "New", v.usable-v.there, "There", v.there, "Rejected", v.rejected)
	s.say("cmd.import.contacts", "Ask", v.ask, "Nobody", v.nobody)
	codes(s, "cmd.import.rejected", v.faults)
	codes(s, "cmd.import.warned", v.warnings)
	if v.rejected > 0 {
		s.say("cmd.import.rejects", "File", v.rejects)
	}
}

// anyLine stands for the line that a reason speaks of: the list has it, a sum
// has none.
const anyLine = 987654321

// codes prints how often each reason was met, the most frequent first.
func codes(s *session, title string, counts map[roster.Code]int) {
	if len(counts) == 0 {
		return
	}
	s.say(title)
	var all []roster.Code
	for code := range counts {
		all = append(all, code)
	}
	slices.SortFunc(all, func(a, b roster.Code) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(string(a), string(b))
	})
	for _, code := range all {
		words := strings.ReplaceAll(roster.Reason{Code: code, Line: anyLine}.Words(string(s.lang)), strconv.Itoa(anyLine), "N")
		s.say("cmd.import.reason", "Count", counts[code], "Reason", words, "Code", string(code))
	}
}

func labels(s *session, columns []roster.Column) string {
	text := ""
	for i, c := range columns {
		if i > 0 {
			text += s.lang.T("cmd.comma")
		}
		text += c.Label()
	}
	return text
}
