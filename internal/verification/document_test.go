package verification_test

import (
	"bytes"
	"context"
	stdimage "image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/verification"
)

func image(t *testing.T, kind string) string {
	t.Helper()
	var b bytes.Buffer
	var err error
	m := stdimage.NewGray(stdimage.Rect(0, 0, 4, 4))
	switch kind {
	case "png":
		err = png.Encode(&b, m)
	case "jpeg":
		err = jpeg.Encode(&b, m, nil)
	case "gif":
		err = gif.Encode(&b, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (w *world) upload(s seat, number string, pages ...string) (a verification.Attempt, err error) {
	u := verification.Upload{Number: pii.New(number)}
	for _, p := range pages {
		u.Pages = append(u.Pages, pii.New(p))
	}
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		a, err = w.desk.SendDocument(ctx, tx, s.request, s.proof, u)
		return err
	})
	return a, err
}

func (w *world) show(o catalog.Officer, a verification.Attempt) (pages []verification.Page, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		_, pages, _, err = w.desk.Show(ctx, tx, o, a.ID)
		return err
	})
	return pages, err
}

func (w *world) approve(o catalog.Officer, a verification.Attempt, until time.Time) (out verification.Attempt, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		out, _, err = w.desk.Approve(ctx, tx, o, a.ID, until)
		return err
	})
	return out, err
}

func (w *world) must(_ any, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestEdgeCase24_ADocumentIsSeenByTwoAndErased(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		s := w.sit(c, g)
		scan := image(t, "png")
		a, err := w.upload(s, adult, scan, "%PDF-1.7 nothing in it")
		if err != nil {
			t.Fatal(err)
		}
		w.silent(adult, scan, "%PDF")
		officer, deputy := w.Officer, w.deputy()
		_, err = w.approve(officer, a, time.Time{})
		w.refused(err, verification.ErrUnseen)
		pages, err := w.show(officer, a)
		if err != nil || len(pages) != 2 || pages[0].Kind != "png" || pages[0].Data.Reveal() != scan || pages[1].Kind != "pdf" {
			t.Fatalf("%d pages, %v", len(pages), err)
		}
		w.must(w.approve(officer, a, time.Time{}))
		w.strengths(s, family.OneTimeCode, family.OneTimeCode)
		_, err = w.approve(officer, a, time.Time{})
		w.refused(err, verification.ErrSameStaff)
		_, err = w.approve(deputy, a, time.Time{})
		w.refused(err, verification.ErrUnseen)
		w.must(w.show(deputy, a))
		w.must(w.approve(deputy, a, time.Time{}))
		// In force it is the strongest; the browser showed no more than a code.
		w.strengths(s, family.Document, family.OneTimeCode)
		if w.count("verification_document", c.ID) != 0 || w.count("proof", c.ID) != 2 {
			t.Error("the document outlived the decision")
		}
		_, err = w.show(officer, a)
		w.refused(err, verification.ErrEnded)
		// Who comes back types the number of the document, and nobody is asked.
		w.code(&s)
		w.must(nil, w.number(s, adult))
		w.strengths(s, family.Document, family.NameAndNumber)
		if len(w.asked) != 0 {
			t.Error("a provider was asked")
		}
	})
}

func TestEdgeCase24_OneOfTheStaffIsEnoughToRefuse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		s := w.sit(c, g)
		a, err := w.upload(s, "", image(t, "jpeg"))
		if err != nil {
			t.Fatal(err)
		}
		refuse := func(o catalog.Officer) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := w.desk.Refuse(ctx, tx, o, a.ID, verification.NoTie)
				return err
			})
		}
		w.refused(refuse(w.Officer), verification.ErrUnseen)
		w.must(w.show(w.Officer, a))
		w.must(nil, refuse(w.Officer))
		if w.count("verification_document", c.ID) != 0 {
			t.Error("the document outlived the decision")
		}
		w.strengths(s, family.OneTimeCode, family.OneTimeCode)
	})
}

// Who isn't in office, or at another service, is shown nothing; nor is anything
// shown of a former guardian (edge case 8).
func TestArticle15_OnlyTheStaffInOfficeSeesADocument(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		a, err := w.upload(w.sit(c, g), "", image(t, "png"))
		if err != nil {
			t.Fatal(err)
		}
		former := w.Officer
		former.EndedAt = time.Now()
		stranger := w.Officer
		stranger.Service = "another"
		for o, want := range map[catalog.Officer]error{former: verification.ErrNotStaff, {}: verification.ErrNotStaff, stranger: verification.ErrNotFound} {
			pages, err := w.show(o, a)
			if w.refused(err, want); len(pages) > 0 {
				t.Error("it is shown")
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			child, err := family.Lock(ctx, tx, vaulttest.Service, c.ID)
			if err != nil {
				return err
			}
			_, err = w.Desk.EndGuardian(ctx, tx, w.Officer, child, g.ID)
			return err
		})
		_, err = w.show(w.Officer, a)
		w.refused(err, family.ErrGuardianEnded)
	})
}

func TestEdgeCase10_AnInstitutionHasADocumentAnOfficerAndAnEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.family()
		nobody := w.add(c, family.Person{Phone: pii.New("13900000003"), Relation: family.Institution})
		home := w.add(c, family.Person{Name: pii.New("某福利院 李主任"), Phone: pii.New("13900000004"), Relation: family.Institution})
		_ = nobody
		w.Answer(c, "granted")
		s := w.sit(c, home)
		a, err := w.upload(s, "", image(t, "png"))
		if err != nil {
			t.Fatal(err)
		}
		w.must(w.show(w.Officer, a))
		w.must(w.show(w.deputy(), a))
		end := w.Store.Now().Add(30 * 24 * time.Hour).Truncate(time.Hour)
		for _, bad := range []time.Time{{}, w.Store.Now().Add(-time.Hour), w.Store.Now().Add(20 * 366 * 24 * time.Hour)} {
			_, err = w.approve(w.Officer, a, bad)
			w.refused(err, verification.ErrUntil)
		}
		w.must(w.approve(w.Officer, a, end))
		_, err = w.approve(w.deputy(), a, end.Add(time.Hour))
		w.refused(err, verification.ErrUntil)
		w.must(w.approve(w.deputy(), a, end))
		force := func() (g family.Guardian) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				g, err = family.FindGuardian(ctx, tx, c.ID, home.ID)
				return err
			})
			return g
		}
		if g := force(); !g.MayAnswer() {
			t.Errorf("after the document: %+v", g)
		}
		w.Pass(31 * 24 * time.Hour)
		if done := w.sweep(); done.Proofs != 2 {
			t.Errorf("%+v", done)
		}
		if g := force(); g.MayAnswer() || g.Strength != family.OneTimeCode {
			t.Errorf("after its end: %+v", g)
		}
	})
}

func TestArticle12_ADocumentNobodyDecidesAboutIsErased(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.Child()
		var g family.Guardian
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			var all []family.Guardian
			err := tx.Together(ctx, family.ReadGuardians(&all, c.ID))
			g = all[0]
			return err
		})
		s := w.sit(c, g, "account")
		a, err := w.upload(s, "", image(t, "png"))
		if err != nil {
			t.Fatal(err)
		}
		w.Pass(7*24*time.Hour - time.Second)
		if w.sweep(); w.count("verification_document", c.ID) != 1 {
			t.Error("it is erased too early")
		}
		w.Pass(time.Second)
		_, err = w.show(w.Officer, a)
		w.refused(err, verification.ErrEnded)
		if w.sweep(); w.count("verification_document", c.ID) != 0 {
			t.Error("it is kept")
		}
		// An erased child leaves none behind.
		b, other := w.family()
		w.must(w.upload(w.sit(b, other), adult, image(t, "png")))
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, "app:x", vaulttest.Service, b.ID, family.Requested)
			return err
		})
		for _, table := range []string{"verification_document", "verification", "proof"} {
			if w.count(table, b.ID) != 0 {
				t.Errorf("%s keeps something of an erased child", table)
			}
		}
	})
}

func TestDocumentsAreWhatTheirBytesSay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		s := w.sit(c, g)
		png := image(t, "png")
		for name, pages := range map[string][]string{
			"a page of nothing":     {""},
			"a text":                {"<script>alert(1)</script>"},
			"a picture that moves":  {image(t, "gif")},
			"a drawing":             {"<svg xmlns='http://www.w3.org/2000/svg'/>"},
			"half a picture":        {png[:10]},
			"a PDF with a script":   {"%PDF-1.4 << /S /JavaScript /JS (app.alert(1)) >>"},
			"a PDF with a program":  {"%PDF-1.4 << /S /Launch >>"},
			"a PDF that opens":      {"%PDF-1.4 << /OpenAction 3 0 R >>"},
			"a good one and a text": {png, "text"},
		} {
			if _, err := w.upload(s, "", pages...); err == nil {
				t.Errorf("%s is taken", name)
			}
		}
		_, err := w.upload(s, "")
		w.refused(err, verification.ErrPages)
		_, err = w.upload(s, "", png, png, png, png)
		w.refused(err, verification.ErrPages)
		_, err = w.upload(s, "", "%PDF-1.4 "+string(make([]byte, verification.MaxPage)))
		w.refused(err, verification.ErrPageSize)
		_, err = w.upload(s, number(time.Now().AddDate(-9, 0, 0).Format(time.DateOnly), 1), png)
		w.refused(err, verification.ErrMinor)
		w.must(w.upload(s, "E12345678", "%PDF-1.4 << /JSON 1 >>"))
	})
}

// A person inside judges by the matrix; who sets services up, or may something else,
// doesn't. The holder of an office and an account of the same name are one.
func TestEdgeCase24_WhoJudgesIsOfTheStaff(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		a, err := w.upload(w.sit(c, g), "", image(t, "png"))
		if err != nil {
			t.Fatal(err)
		}
		hire := func(name string, role staff.Role) (p staff.Person) {
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, name, staff.Grant{Role: role, Service: vaulttest.Service})
				return err
			})
			return p
		}
		namesake, worker, auditor := hire(w.Officer.Name, staff.Worker), hire("李雷", staff.Worker), hire("王芳", staff.Auditor)
		judges := func(p staff.Person) staff.Acting { return staff.Acting{Person: p, Action: staff.JudgeEvidence} }
		sees := func(by verification.Judge) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := w.desk.Show(ctx, tx, by, a.ID)
				return err
			})
		}
		approves := func(by verification.Judge) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := w.desk.Approve(ctx, tx, by, a.ID, time.Time{})
				return err
			})
		}
		for _, by := range []verification.Judge{catalog.Operator{ID: "test"}, judges(auditor), staff.Acting{Person: worker, Action: staff.SeeEvidence}, judges(staff.Person{})} {
			w.refused(sees(by), verification.ErrNotStaff)
		}
		locate := func(country string) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Locate(ctx, tx, catalog.Operator{ID: "test"}, worker.ID, country)
				return err
			})
		}
		locate("SG")
		w.refused(sees(judges(worker)), verification.ErrAbroad) // edge case 20, by the row and not by what the session knew
		locate(charter.Home)
		for _, by := range []verification.Judge{w.Officer, judges(namesake), judges(worker)} {
			w.must(nil, sees(by))
		}
		w.must(nil, approves(w.Officer))
		w.refused(approves(judges(namesake)), verification.ErrSameStaff)
		w.must(nil, approves(judges(worker)))
		if w.count("verification_document", c.ID) != 0 || w.count("proof", c.ID) != 2 {
			t.Error("the document outlived the decision")
		}
	})
}

// hire adds a person inside, whom by gives the role.
func (w *world) hire(by staff.Actor, name string, role staff.Role) (p staff.Person) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = staff.Add(ctx, tx, by, name, staff.Grant{Role: role, Service: vaulttest.Service})
		return err
	})
	return p
}

// boss is the account of who holds an office.
func (w *world) boss(name string, o catalog.Officer) (p staff.Person) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		g, err := staff.OfOffice(ctx, tx, vaulttest.Service, o.ID)
		if err == nil {
			p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, name, g)
		}
		return err
	})
	return p
}

// judged has somebody look at a document and approve it.
func (w *world) judged(by verification.Judge, attempt string) error {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, _, err := w.desk.Show(ctx, tx, by, attempt)
		return err
	})
	return w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := w.desk.Approve(ctx, tx, by, attempt, time.Time{})
		return err
	})
}

func judging(p staff.Person) staff.Acting {
	return staff.Acting{Person: p, Action: staff.JudgeEvidence}
}

// Two accounts that a third person let in may both be that person's; two of different
// persons are not.
func TestEdgeCase24_NobodyStandsBehindBoth(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		a, err := w.upload(w.sit(c, g), "", image(t, "png"))
		if err != nil {
			t.Fatal(err)
		}
		boss, deputy := w.boss("赵敏", w.Officer), w.boss("周正", w.deputy())
		one, two, three := w.hire(boss, "李雷", staff.Worker), w.hire(boss, "王芳", staff.Worker), w.hire(deputy, "陈晨", staff.Worker)
		w.must(nil, w.judged(judging(one), a.ID))
		for _, by := range []verification.Judge{judging(two), judging(boss)} {
			w.refused(w.judged(by, a.ID), verification.ErrMaybeOne)
		}
		w.must(nil, w.judged(judging(three), a.ID))
	})
}

// Who stood behind the first when it approved counts, whatever is taken from the first
// since; and behind whoever judges at the terminal is the account of the office.
func TestEdgeCase24_WhoStoodBehindTheFirstIsKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		boss, deputy := w.boss("赵敏", w.Officer), w.boss("周正", w.deputy())
		theirs := w.hire(boss, "李雷", staff.Worker)
		other := w.hire(deputy, "陈晨", staff.Worker)
		for name, undo := range map[string]func(ctx context.Context, tx *db.Tx, first staff.Person) error{
			"the role is taken": func(ctx context.Context, tx *db.Tx, first staff.Person) error {
				_, err := staff.Take(ctx, tx, boss, first.ID, staff.Grant{Role: staff.Worker, Service: vaulttest.Service})
				return err
			},
			"the account ends": func(ctx context.Context, tx *db.Tx, first staff.Person) error {
				_, err := staff.Leave(ctx, tx, boss, first.ID)
				return err
			},
		} {
			c, g := w.family()
			a, err := w.upload(w.sit(c, g), "", image(t, "png"))
			if err != nil {
				t.Fatal(name, err)
			}
			first := w.hire(boss, "王芳", staff.Worker)
			w.must(nil, w.judged(judging(first), a.ID))
			w.Do(func(ctx context.Context, tx *db.Tx) error { return undo(ctx, tx, first) })
			for _, by := range []verification.Judge{judging(boss), w.Officer, judging(theirs)} {
				w.refused(w.judged(by, a.ID), verification.ErrMaybeOne)
			}
			w.must(nil, w.judged(judging(other), a.ID))
		}
		c, g := w.family()
		a, err := w.upload(w.sit(c, g), "", image(t, "png"))
		if err != nil {
			t.Fatal(err)
		}
		w.must(nil, w.judged(w.Officer, a.ID))
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Leave(ctx, tx, catalog.Operator{ID: "test"}, boss.ID)
			return err
		})
		w.refused(w.judged(judging(theirs), a.ID), verification.ErrMaybeOne)
		w.must(nil, w.judged(judging(other), a.ID))
	})
}

// Article 15: who has seen a document is told by the ledger, whatever the row says.
func TestArticle15_WhoHasSeenADocumentIsToldByTheLedger(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, g := w.family()
		a, err := w.upload(w.sit(c, g), adult, image(t, "png"))
		if err != nil {
			t.Fatal(err)
		}
		officer, deputy := w.Officer, w.deputy()
		for _, by := range []catalog.Officer{deputy, officer, deputy} {
			w.must(w.show(by, a))
		}
		w.placed()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE verification SET seen = $1 WHERE id = $2`, "st_forged", a.ID)
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			row, err := verification.FirstOf(ctx, tx, a.Number())
			if err != nil {
				return err
			}
			all, err := row.SeenBy(ctx, tx)
			if want := []string{deputy.ID, officer.ID}; !slices.Equal(all, want) || slices.Equal(row.Seen, want) {
				t.Errorf("%v, want %v; the row says %v", all, want, row.Seen)
			}
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) error { // the audit comes after
			_, err := tx.Exec(ctx, `UPDATE verification SET seen = $1 WHERE id = $2`, deputy.ID+" "+officer.ID, a.ID)
			return err
		})
	})
}
