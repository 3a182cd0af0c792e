package message_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/complaint"
	"wardkeep/internal/incident"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/publication"
	"wardkeep/internal/retention"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// A postbox is a real SMTP server on this machine that keeps what it takes.
type postbox struct {
	mu      sync.Mutex
	letters []letter
	away    bool // it takes nothing now
}

type letter struct{ to, subject, text string }

func (p *postbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &posting{box: p}, nil }

type posting struct {
	box *postbox
	to  string
}

func (s *posting) Mail(string, *smtp.MailOptions) error { return nil }
func (s *posting) Reset()                               {}
func (s *posting) Logout() error                        { return nil }

func (s *posting) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.to = to
	if s.box.away {
		return &smtp.SMTPError{Code: 451, Message: "later"}
	}
	return nil
}

func (s *posting) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}
	_, parts, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	first, err := multipart.NewReader(m.Body, parts["boundary"]).NextRawPart()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(first))
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.letters = append(s.box.letters, letter{s.to, subject, string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))})
	return nil
}

// take returns what came, and forgets it.
func (p *postbox) take() (all []letter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all, p.letters = p.letters, nil
	return all
}

func (p *postbox) serve(t *testing.T) notify.Sender {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(p)
	s.Domain = "mail.test"
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	sender, err := notify.SMTP(notify.SMTPConfig{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, TLS: notify.NoTLS, From: "Xiaoxi <privacy@example.com>"})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// An offices is a desk with somebody in each office, and a colleague.
type offices struct {
	*desk
	box                     *postbox
	teller                  message.Teller
	officer, deputy, worker staff.Person
	told                    map[string]bool // letters that a job was made for
}

const inside = "https://inside.example.com"

func (d *desk) offices() *offices {
	d.t.Helper()
	o := &offices{desk: d, box: new(postbox), told: make(map[string]bool)}
	o.teller = message.Teller{Store: d.Store, Desk: d.Desk, Messages: notify.Router{notify.Email: o.box.serve(d.t)}, PublicURL: site, ConsoleURL: inside}
	terminal := catalog.Operator{ID: "test"}
	hire := func(name string, role catalog.Role, grant staff.Grant) (p staff.Person) {
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			if role != "" {
				held, err := catalog.Holder(ctx, tx, vaulttest.Service, role)
				if err != nil {
					return err
				}
				if grant, err = staff.OfOffice(ctx, tx, vaulttest.Service, held.ID); err != nil {
					return err
				}
			}
			p, err = staff.Add(ctx, tx, terminal, name, grant)
			return err
		})
		return p
	}
	o.officer = hire("林静", catalog.RoleOfficer, staff.Grant{})
	o.deputy = hire("周远", catalog.RoleDeputy, staff.Grant{})
	o.worker = hire("李雷", "", staff.Grant{Role: staff.Worker, Service: vaulttest.Service})
	o.reach(o.officer, "lin@office.example", i18n.Chinese)
	o.reach(o.deputy, "zhou@office.example", i18n.English)
	o.reach(o.worker, "li@office.example", i18n.English)
	o.due() // of the keys that the world was made with
	return o
}

func (o *offices) reach(p staff.Person, address string, lang i18n.Lang) {
	o.t.Helper()
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := staff.Reach(ctx, tx, o.Ring, p, p.ID, pii.New(address), lang)
		return err
	})
}

// raise has somebody raise an alarm.
func (o *offices) raise(cause approval.Cause) {
	o.t.Helper()
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		return approval.Raise(ctx, tx, vaulttest.Service, id.New(id.Look), o.worker.Ledger(), []approval.Cause{cause}, id.New(id.Entry))
	})
}

// due returns what the ledger asks for since the last time: each name once, as of jobs.
func (o *offices) due() (all []message.Due) {
	o.t.Helper()
	if err := o.log.Flush(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		due, next, err := message.FromLedger(ctx, tx, o.Ring, o.from)
		all, o.from = due, next
		return err
	})
	var fresh []message.Due
	for _, d := range all {
		if !o.told[d.About] {
			o.told[d.About] = true
			fresh = append(fresh, d)
		}
	}
	return fresh
}

func (o *offices) send(due []message.Due) (failed error) {
	for _, d := range due {
		if err := o.teller.Send(o.t.Context(), d); err != nil && !errors.Is(err, message.ErrNobody) {
			failed = err
		}
	}
	return failed
}

// alone has a test's ledger audited by nobody: alarms without a look are no story.
func alone(t *testing.T, fn func(t *testing.T, o *offices)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		fn(t, newDesk(t, w).offices())
	})
}

// Article 15: whoever holds an office hears of each key that reads values, whoever gives it out; of one that
// reads none, nobody does.
func TestArticle15_AKeyThatReadsValuesReachesTheOffice(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		issues := func(scopes ...account.Scope) {
			t.Helper()
			s, err := account.NewScopes(scopes...)
			if err != nil {
				t.Fatal(err)
			}
			o.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := account.IssueApp(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, "payments-x9", s, time.Time{})
				return err
			})
		}
		for _, c := range []struct {
			letters int
			scopes  []account.Scope
		}{{2, []account.Scope{account.ItemsRead}}, {2, []account.Scope{account.Seal, account.ChildrenRead}}, {0, []account.Scope{account.ItemsWrite, account.ChildrenWrite, account.ScreeningsWrite}}} {
			issues(c.scopes...)
			if err := o.send(o.due()); err != nil {
				t.Fatal(err)
			}
			letters := o.box.take()
			if len(letters) != c.letters {
				t.Errorf("%v: %d letters, want %d", c.scopes, len(letters), c.letters)
			}
			for _, l := range letters {
				if !strings.Contains(l.text, inside+"/console/ledger?kind=credential.issued&lang=") || strings.Contains(l.text, "payments-x9") {
					t.Errorf("%+v", l)
				}
			}
		}
	})
}

// Article 21: whoever holds an office hears at once that something may have leaked, of each case,
// and reads nothing of what was written about it.
func TestArticle21_ALeakReachesTheOfficeByEmail(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		for range 2 {
			o.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := incident.Desk{Ring: o.Ring, Charters: o.Desk.Charters}.Open(ctx, tx, o.Officer, vaulttest.Service,
					incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Words: pii.New("一份名单")})
				return err
			})
		}
		if err := o.send(o.due()); err != nil {
			t.Fatal(err)
		}
		letters := o.box.take()
		if len(letters) != 4 {
			t.Errorf("%d letters of two cases to two persons", len(letters))
		}
		for _, l := range letters {
			if !strings.Contains(l.text, inside+"/console/due?kind=incident&lang=") || strings.Contains(l.text, "名单") {
				t.Errorf("a letter to %s says\n%s", l.to, l.text)
			}
		}
	})
}

// Article 24: whoever holds an office hears that somebody has reported something, those of an hour
// in one letter, and once more on the last day of its clock; and reads nothing of it there.
func TestArticle24_AReportReachesTheOfficeByEmail(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		o.PassToHalfPast()
		for range 2 {
			o.Do(func(ctx context.Context, tx *db.Tx) error {
				p, err := complaint.NewPuzzle(ctx, tx, o.Ring)
				if err == nil {
					_, _, err = complaint.Desk{Ring: o.Ring, Calendar: workday.Default()}.Receive(ctx, tx, p.Solve(),
						complaint.Report{Service: vaulttest.Service, Kind: complaint.Other, Words: pii.New("一份名单")})
				}
				return err
			})
		}
		arrives := func(when, words string) {
			t.Helper()
			if err := o.send(o.due()); err != nil {
				t.Fatal(err)
			}
			letters := o.box.take()
			if len(letters) != 2 {
				t.Errorf("%s: %d letters to two persons", when, len(letters))
			}
			for _, l := range letters {
				if !strings.Contains(l.text, inside+"/console/reports?lang=") || strings.Contains(l.text, "名单") {
					t.Errorf("%s: a letter to %s says\n%s", when, l.to, l.text)
				}
			}
			if len(letters) > 0 && !slices.ContainsFunc(letters, func(l letter) bool { return strings.Contains(l.text, words) }) {
				t.Errorf("%s: nobody reads %q", when, words)
			}
		}
		arrives("when they come", i18n.Langs[0].T("notify.alarm.what.complaint"))
		var late time.Duration
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			waiting, err := complaint.Waiting(ctx, tx, vaulttest.Service, 1)
			if err != nil {
				return err
			}
			late = waiting[0].RemindAt.Sub(tx.Now())
			return nil
		})
		o.Pass(late + time.Second)
		if _, err := retention.Sweep(t.Context(), o.Store, o.Vault); err != nil {
			t.Fatal(err)
		}
		arrives("on its last day", i18n.Langs[0].T("notify.alarm.what.complaint_due"))
	})
}

// Article 15: whoever holds an office hears of an alarm by e-mail, each in their language:
// what, of which service, when, and where to look. Nobody is named, and no child.
func TestArticle15_AlarmsReachTheOfficeByEmail(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		o.raise(approval.Touched)
		due := o.due()
		o.box.away = true
		if err := o.send(due); !errors.Is(err, notify.ErrUnavailable) {
			t.Fatalf("a server that takes nothing: %v", err)
		}
		o.box.away = false
		if err := o.send(due); err != nil {
			t.Fatal(err)
		}
		letters := o.box.take()
		if len(letters) != 2 {
			t.Fatalf("%d letters: %+v", len(letters), letters)
		}
		for _, l := range letters {
			says := map[string][]string{
				"lin@office.example":  {"小溪英语", "诱饵", "北京时间", inside + "/console/ledger?kind=approval.alarm&lang=zh-CN&service=" + vaulttest.Service},
				"zhou@office.example": {"Xiaoxi", "decoy", "Beijing time", inside + "/console/ledger?kind=approval.alarm&lang=en&service=" + vaulttest.Service},
			}[l.to]
			if says == nil {
				t.Errorf("a letter to %s", l.to)
			}
			for _, say := range says {
				if !strings.Contains(l.subject+"\n"+l.text, say) {
					t.Errorf("to %s: it doesn't say %q: %s\n%s", l.to, say, l.subject, l.text)
				}
			}
			for _, name := range []string{"李雷", "林静", "周远", o.worker.ID, o.officer.ID, "@office", site + "/"} {
				if strings.Contains(l.subject+l.text, name) {
					t.Errorf("it names %q: %s", name, l.text)
				}
			}
		}
	})
}

// Of an app's key that has touched a decoy the letter names the key, as the operator calls
// it; each key has a letter of its own, and one that was revoked goes by its id.
func TestArticle15_ALetterNamesTheKeyThatTouchedADecoy(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		o.PassToHalfPast()
		touch := func(app account.App) {
			o.Do(func(ctx context.Context, tx *db.Tx) error {
				return approval.Raise(ctx, tx, vaulttest.Service, "", app.Ledger(), []approval.Cause{approval.Touched}, id.New(id.Entry))
			})
		}
		var other account.App
		o.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			other, _, _, err = account.IssueApp(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, "nightly-export", account.AllScopes(), time.Time{})
			return err
		})
		o.raise(approval.Touched)
		touch(o.App)
		touch(o.App)
		touch(other)
		if err := o.send(o.due()); err != nil {
			t.Fatal(err)
		}
		named := map[string]int{}
		for _, l := range o.box.take() {
			for _, key := range []string{"“app”", "“nightly-export”"} {
				if strings.Contains(l.text, key) {
					named[key]++
				}
			}
		}
		if named["“app”"] != 2 || named["“nightly-export”"] != 2 {
			t.Errorf("%v", named)
		}
		o.Pass(time.Hour)
		touch(other)
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := account.RevokeApp(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, other.ID)
			return err
		})
		if err := o.send(o.due()); err != nil {
			t.Fatal(err)
		}
		if letters := o.box.take(); len(letters) != 2 || !strings.Contains(letters[0].text, other.ID) {
			t.Errorf("%+v", letters)
		}
		// A party's key that this store doesn't know, since it was put back, keeps no letter away.
		lost := id.New(id.PartyKey)
		o.Pass(time.Hour)
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			return approval.Raise(ctx, tx, vaulttest.Service, "", "party:"+lost, []approval.Cause{approval.Touched}, id.New(id.Entry))
		})
		if err := o.send(o.due()); err != nil {
			t.Fatal(err)
		}
		if letters := o.box.take(); len(letters) != 2 || !strings.Contains(letters[0].text, lost) {
			t.Errorf("of a key that isn't known: %+v", letters)
		}
		// What a key finds by having texts looked at is told, too.
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			return publication.Raise(ctx, tx, o.App, []publication.AlarmBody{{Cause: publication.Burst, Hits: 101}, {Cause: publication.Spent, Hits: 601}})
		})
		if err := o.send(o.due()); err != nil {
			t.Fatal(err)
		}
		if letters := o.box.take(); len(letters) != 2 || !strings.Contains(letters[0].text, "“app”") || !strings.Contains(letters[0].text, "kind=screening.alarm") {
			t.Errorf("of a key that finds too much: %+v", letters)
		}
	})
}

// A hundred alarms of one kind within an hour are one letter to each, and those of another
// kind, or of the next hour, one more.
func TestArticle15_ABurstOfAlarmsIsOneLetter(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		o.PassToHalfPast()
		count := func(want int) {
			t.Helper()
			if err := o.send(o.due()); err != nil {
				t.Fatal(err)
			}
			if got := len(o.box.take()); got != want {
				t.Errorf("%d letters, want %d", got, want)
			}
		}
		for range 100 {
			o.raise(approval.Burst)
		}
		count(2)
		o.raise(approval.Burst)
		count(0)
		o.raise(approval.OddHours)
		count(2)
		o.Pass(time.Hour)
		o.raise(approval.Burst)
		count(2)
	})
}

// Article 15: a window whose review was made before its letter went out takes no other's letter
// of the same hour with it.
func TestArticle15_EachWindowThatIsReviewedLateHasALetter(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		o.PassToHalfPast()
		late := func() string {
			request := id.New(id.Look)
			o.Do(func(ctx context.Context, tx *db.Tx) error {
				now := tx.Now()
				err := tx.Queue(ctx, `
					INSERT INTO broken_glass (request, service, asker, second, opened_at, review_by, reviewer, finding, bound)
					VALUES ($1, $2, $3, $4, $5, $5, '', '', $6)`, request, vaulttest.Service, o.worker.ID, o.deputy.ID, (*db.Time)(&now), []byte("x"))
				if err != nil {
					return err
				}
				n, err := approval.SweepGlass(ctx, tx, o.Ring, "system:sweep", 10)
				if n != 1 {
					t.Errorf("%d are late", n)
				}
				return err
			})
			return request
		}
		first := late()
		due := o.due()
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			now := tx.Now()
			_, err := tx.Exec(ctx, `UPDATE broken_glass SET reviewer = $1, finding = 'rightful', reviewed_at = $2 WHERE request = $3`, o.officer.ID, (*db.Time)(&now), first)
			return err
		})
		if err := o.send(due); err != nil || len(o.box.take()) != 0 {
			t.Errorf("one that is reviewed: %v", err)
		}
		late()
		if err := o.send(o.due()); err != nil {
			t.Fatal(err)
		}
		if letters := o.box.take(); len(letters) != 2 {
			t.Errorf("%d letters of the other, want 2", len(letters))
		}
	})
}

// Who holds no office any more, has no address, or has one that was written by hand, is
// told nothing.
func TestArticle15_OnlyWhoIsInOfficeHearsOfAlarms(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		o.raise(approval.Exported)
		due := o.due()
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, o.deputy.Office(vaulttest.Service))
			if err == nil {
				err = tx.Queue(ctx, `UPDATE person_contact SET set_at = set_at - 1 WHERE person = $1`, o.officer.ID)
			}
			return err
		})
		if err := o.send(due); err != nil {
			t.Fatal(err)
		}
		if letters := o.box.take(); len(letters) != 0 {
			t.Errorf("%+v", letters)
		}
		o.reach(o.officer, "lin@office.example", i18n.Chinese)
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Unreach(ctx, tx, o.officer, o.officer.ID)
			return err
		})
		if err := o.send(due); err != nil || len(o.box.take()) != 0 {
			t.Errorf("without an address: %v", err)
		}
	})
}

// Articles 12 and 22: what no entry tells reaches whoever holds an office of whatever
// service, once, and names none.
func TestArticle12_ASweepThatIsBehindReachesTheOffice(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		for cause, say := range map[string]string{message.SweepBehind: "/console/due?lang=", message.AuditDiffers: "/console/ledger?lang=", message.BordersNear: "/console/borders?lang="} {
			var due []message.Due
			o.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				due, err = message.ToOffices(ctx, tx, cause, 7, tx.Now())
				return err
			})
			if len(due) != 2 || due[0].About == due[1].About {
				t.Fatalf("%+v", due)
			}
			if err := o.send(due); err != nil {
				t.Fatal(err)
			}
			letters := o.box.take()
			if len(letters) != 2 || !strings.Contains(letters[0].text, inside+say) || strings.Contains(letters[0].text, "小溪") {
				t.Errorf("%s: %+v", cause, letters)
			}
		}
	})
}

// Article 16: that a check of a processor is owed reaches whoever holds an office of its service,
// once, and so does each other thing of a party that has a day.
func TestArticle16_WhatIsOwedOfAPartyReachesTheOffice(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		o.Engage(o.Store.Now().Add(95 * 24 * time.Hour))
		o.Pass(93 * 24 * time.Hour)
		for _, want := range []int{2, 0} { // the check, and the agreement; then nothing anew
			if done, err := retention.Sweep(t.Context(), o.Store, o.Vault); err != nil || done.Alarms != want {
				t.Fatalf("%d alarms: %v", done.Alarms, err)
			}
			if err := o.send(o.due()); err != nil {
				t.Fatal(err)
			}
			letters := o.box.take()
			if len(letters) != 2*want {
				t.Errorf("%d letters: %+v", len(letters), letters)
			}
			for _, l := range letters {
				if !strings.Contains(l.text, inside+"/console/due?kind=party&lang=") || strings.Contains(l.text, vaulttest.Processor) {
					t.Errorf("%+v", l)
				}
			}
		}
	})
}

// Edge case 13: that a party gets nothing new, for what it was told to do is overdue, reaches
// whoever holds an office of its service, once.
func TestEdgeCase13_ThatAPartyIsOverdueReachesTheOffice(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		for _, want := range []int{2, 0} { // officer and deputy
			o.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := catalog.Suspend(ctx, tx, "system:retention", vaulttest.Service, vaulttest.Processor)
				return err
			})
			if err := o.send(o.due()); err != nil {
				t.Fatal(err)
			}
			letters := o.box.take()
			if len(letters) != want {
				t.Errorf("%d letters: %+v", len(letters), letters)
			}
			for _, l := range letters {
				if !strings.Contains(l.text, inside+"/console/due?kind=order&lang=") || strings.Contains(l.text, vaulttest.Processor) {
					t.Errorf("%+v", l)
				}
			}
		}
	})
}

// Article 15: whoever has alarms sent elsewhere has a letter go to where they went until then,
// in its language; it says neither whose they are nor where they go.
func TestArticle15_TheFormerAddressIsTold(t *testing.T) {
	alone(t, func(t *testing.T, o *offices) {
		f := &message.Farewell{Desk: o.Desk, Messages: o.teller.Messages, PublicURL: site, Log: slog.New(slog.DiscardHandler)}
		moves := func(who staff.Person, to string) []letter {
			var former []notify.Message
			o.Do(func(ctx context.Context, tx *db.Tx) error {
				former = f.Moved(ctx, tx, inside, who.ID, pii.New(to))
				return nil
			})
			f.Send(t.Context(), former)
			f.Wait()
			return o.box.take()
		}
		for _, to := range []string{"thief@elsewhere.example", ""} {
			letters := moves(o.officer, to)
			if len(letters) != 1 || letters[0].to != "lin@office.example" || !strings.Contains(letters[0].text, inside+"/console/account?lang=zh-CN") {
				t.Fatalf("to %q: %+v", to, letters)
			}
			for _, name := range []string{"林静", "thief", "lin@", o.officer.ID, site + "/"} {
				if strings.Contains(letters[0].subject+letters[0].text, name) {
					t.Errorf("it says %q: %s", name, letters[0].text)
				}
			}
		}
		if letters := moves(o.officer, " lin@office.example "); len(letters) != 0 {
			t.Errorf("the same address: %+v", letters)
		}
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE person_contact SET set_at = set_at - 1 WHERE person = $1`, o.officer.ID)
		})
		if letters := moves(o.officer, "thief@elsewhere.example"); len(letters) != 0 {
			t.Errorf("a row that was written by hand: %+v", letters)
		}
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := staff.Unreach(ctx, tx, o.deputy, o.deputy.ID)
			return err
		})
		if letters := moves(o.deputy, "zhou@elsewhere.example"); len(letters) != 0 {
			t.Errorf("whoever had none: %+v", letters)
		}
	})
}
