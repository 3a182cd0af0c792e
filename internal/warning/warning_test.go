package warning_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/warning"
	"wardkeep/internal/webhook"
)

const service = vaulttest.Service

// A room is a service with those who deal with its cases, one case, the children whom it has
// reached, and the gateways by which they are told.
type room struct {
	*vaulttest.World
	t                        *testing.T
	officer, deputy, manager staff.Person
	incident                 incident.Case
	children                 []family.ID
	box                      *postbox
	sms                      *gateway
	teller                   warning.Teller
}

// A gateway takes text messages, and drops what it has had, as gateways do.
type gateway struct {
	mu    sync.Mutex
	taken map[string]notify.Message
	tries int
	fails error  // instead of taking one
	after func() // is called once it took one
}

func (g *gateway) Send(_ context.Context, m notify.Message) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tries++
	if g.fails != nil {
		return g.fails
	}
	g.taken[m.ID] = m
	if g.after != nil {
		g.after()
	}
	return nil
}

// A postbox is a real SMTP server that knows nobody at unknown.example.
type postbox struct {
	mu      sync.Mutex
	letters []string
}

func (p *postbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &posting{p}, nil }

type posting struct{ box *postbox }

func (s *posting) Mail(string, *smtp.MailOptions) error { return nil }
func (s *posting) Reset()                               {}
func (s *posting) Logout() error                        { return nil }
func (s *posting) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasSuffix(to, "@unknown.example") {
		return &smtp.SMTPError{Code: 550, Message: to + " isn't known here"}
	}
	return nil
}

func (s *posting) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.letters = append(s.box.letters, m.Header.Get("To"))
	return nil
}

func (p *postbox) serve(t *testing.T) notify.Sender {
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

func each(t *testing.T, fn func(t *testing.T, r *room)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		r := &room{World: w, t: t, box: new(postbox), sms: &gateway{taken: make(map[string]notify.Message)}}
		r.officer, r.deputy = r.held(catalog.RoleOfficer), r.held(catalog.RoleDeputy)
		r.manager = r.hire("韩梅梅", staff.Grant{Role: staff.Manager, Service: service})
		r.teller = warning.Teller{Store: w.Store, Desk: warning.Desk{Consent: w.Desk, PublicURL: "https://wardkeep.example.com",
			Messages: notify.Router{notify.SMS: r.sms, notify.Email: r.box.serve(t)}},
			Reached: func(_ context.Context, _ *db.Tx, _ string, after family.ID, limit int) (all []family.ID, err error) {
				slices.Sort(r.children)
				for _, c := range r.children {
					if c > after && len(all) < limit {
						all = append(all, c)
					}
				}
				return all, nil
			}}
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			r.incident, _, err = incident.Desk{Ring: w.Ring, Charters: w.Desk.Charters}.Open(ctx, tx, w.Officer, service,
				incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Words: pii.New("名单被发到了群里。")})
			return err
		})
		fn(t, r)
	})
}

func (r *room) held(role catalog.Role) staff.Person {
	var g staff.Grant
	r.Do(func(ctx context.Context, tx *db.Tx) error {
		held, err := catalog.Holder(ctx, tx, service, role)
		if err == nil {
			g, err = staff.OfOffice(ctx, tx, service, held.ID)
		}
		return err
	})
	return r.hire(string(role), g)
}

func (r *room) hire(name string, g staff.Grant) (p staff.Person) {
	r.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, name, g)
		return err
	})
	return p
}

func writes(p staff.Person) staff.Acting {
	return staff.Acting{Person: p, Action: staff.WriteIncidents}
}
func judges(p staff.Person) staff.Acting {
	return staff.Acting{Person: p, Action: staff.JudgeIncidents}
}
func tells(p staff.Person) staff.Acting { return staff.Acting{Person: p, Action: staff.TellFamilies} }

// said is what a notice says, each part by its name.
func said() warning.Text {
	in := func(lang string) warning.Words {
		return warning.Words{What: "what " + lang, Cause: "cause " + lang, Harm: "harm " + lang, Remedies: "remedies " + lang, Advice: "advice " + lang, Contact: "contact " + lang, Child: "child " + lang}
	}
	return warning.Text{Chinese: in("zh"), English: in("en")}
}

func (r *room) draft(by staff.Person, name string, withheld bool, text warning.Text) (n warning.Notice, err error) {
	err = r.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		n, _, err = warning.Draft(ctx, tx, r.Ring, writes(by), service, r.incident.ID, name, withheld, text)
		return err
	})
	return n, err
}

func (r *room) confirm(by staff.Person, n warning.Notice) (warning.Notice, error) {
	err := r.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		n, _, err = warning.Confirm(ctx, tx, r.Ring, judges(by), service, n.ID, n.Version)
		return err
	})
	return n, err
}

// notice is one that two persons have decided.
func (r *room) notice() warning.Notice {
	r.t.Helper()
	n, err := r.draft(r.manager, "", false, said())
	if err == nil {
		n, err = r.confirm(r.officer, n)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// family registers a child of a verified guardian with this contact, and has the case reach it.
func (r *room) family(p family.Person) (child family.Child, g family.Guardian) {
	r.t.Helper()
	p.Relation = family.Parent
	r.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		child, g, _, err = r.Vault.Gate.Register(ctx, tx, r.App, family.Enrolment{Service: service, Ref: pii.New("r-" + p.Phone.Reveal() + p.Email.Reveal()), Guardian: p})
		return err
	})
	r.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Lock(ctx, tx, service, child.ID)
		if err == nil {
			g, err = family.VerifyGuardian(ctx, tx, "system:test", c, g.ID, family.OneTimeCode)
		}
		return err
	})
	r.children = append(r.children, child.ID)
	return child, g
}

func (r *room) round() (done warning.Done) {
	r.t.Helper()
	done, err := r.teller.Round(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return done
}

// stands fails unless the addressees of a notice stand so: "waiting 2, through 2".
func (r *room) stands(n warning.Notice, want string) {
	r.t.Helper()
	r.Do(func(ctx context.Context, tx *db.Tx) error {
		counts, err := warning.Counts(ctx, tx, n)
		var got []string
		for _, c := range counts {
			got = append(got, string(c.State)+" "+string(rune('0'+c.Many)))
		}
		if s := strings.Join(got, ", "); s != want {
			r.t.Errorf("they stand %q, want %q", s, want)
		}
		return err
	})
}

// note writes down what came of the one who stands so.
func (r *room) note(n warning.Notice, state warning.State, came warning.Outcome) error {
	return r.Try(func(ctx context.Context, tx *db.Tx) error {
		all, err := warning.List(ctx, tx, n, state, warning.Addressee{}, 10)
		if err != nil || len(all) != 1 {
			r.t.Fatalf("%d stand as %s, %v", len(all), state, err)
		}
		_, err = r.teller.Note(ctx, tx, tells(r.manager), service, n.ID, all[0].Child, all[0].Guardian, came)
		return err
	})
}

// Article 21: nobody is told, nor not told, by the word of one person; the parts that PIPL 57
// wants are all there, in both languages; what was confirmed isn't changed.
func TestArticle21_ANoticeTakesTwoPersons(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		missing := said()
		missing.English.Harm = " "
		if _, err := r.draft(r.manager, "", false, missing); !errors.Is(err, warning.ErrWords) {
			t.Errorf("without the harm in English: %v", err)
		}
		if _, err := r.draft(r.manager, "", true, warning.Text{}); !errors.Is(err, warning.ErrWords) {
			t.Errorf("withheld without a reason: %v", err)
		}
		if _, err := r.draft(r.manager, "", false, warning.Text{}); errs.Of(err).Field != "zh.what" {
			t.Errorf("the first part that is missing is said to be %q", errs.Of(err).Field)
		}
		n, err := r.draft(r.officer, "", false, said())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.confirm(r.officer, n); !errors.Is(err, warning.ErrSecond) {
			t.Errorf("confirmed by who has drafted it: %v", err)
		}
		if _, err := r.confirm(r.manager, n); !errors.Is(err, warning.ErrMayNot) {
			t.Errorf("confirmed by who holds no office: %v", err)
		}
		if err := r.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := warning.Publish(ctx, tx, r.Ring, judges(r.deputy), service, n.ID)
			return err
		}); !errors.Is(err, warning.ErrUnconfirmed) {
			t.Errorf("the public is warned by a draft: %v", err)
		}
		again, err := r.draft(r.manager, n.ID, false, said())
		if err != nil || again.Version != 2 {
			t.Fatalf("%d, %v", again.Version, err)
		}
		if _, err := r.confirm(r.deputy, n); !errors.Is(err, warning.ErrVersion) {
			t.Errorf("what was drafted anew meanwhile: %v", err)
		}
		if n, err = r.confirm(r.deputy, again); err != nil || !n.Running() {
			t.Fatalf("%+v, %v", n, err)
		}
		if _, err := r.draft(r.manager, n.ID, false, said()); !errors.Is(err, warning.ErrConfirmed) {
			t.Errorf("what is confirmed is drafted anew: %v", err)
		}
		if _, err := r.confirm(r.officer, n); !errors.Is(err, warning.ErrConfirmed) {
			t.Errorf("confirmed twice: %v", err)
		}
		why, err := r.draft(r.manager, "", true, warning.Text{Reason: "没有涉及孩子"})
		if err == nil {
			why, err = r.confirm(r.officer, why)
		}
		if err != nil || why.Running() {
			t.Errorf("that nobody is told: %v", err)
		}
		if err := r.Try(func(ctx context.Context, tx *db.Tx) error {
			drill, _, err := incident.Desk{Ring: r.Ring, Charters: r.Desk.Charters}.Open(ctx, tx, r.Officer, service,
				incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Drill: true, Words: pii.New("演练")})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = warning.Draft(ctx, tx, r.Ring, writes(r.manager), service, drill.ID, "", false, said())
			return err
		}); !errors.Is(err, incident.ErrDrill) {
			t.Errorf("families are told of a drill: %v", err)
		}
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := incident.Find(ctx, tx, service, r.incident.ID)
			if !c.Took(incident.StepNotice) || !c.Took(incident.StepUntold) {
				t.Errorf("the case has the steps %v", c.Steps)
			}
			return err
		})
		// Who has got hold of an app isn't told that families are warned of it.
		r.round()
		told := r.tells()
		if told == 0 {
			t.Error("the operator's systems hear of no case, and no notice")
		}
		r.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			r.incident, _, err = incident.Desk{Ring: r.Ring, Charters: r.Desk.Charters}.Raise(ctx, tx, service, incident.Finding{Cause: incident.Burst, Suspect: r.App.Ledger(), At: tx.Now()})
			return err
		})
		r.family(person("13800138001", ""))
		n = r.notice()
		r.round()
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := warning.Publish(ctx, tx, r.Ring, judges(r.deputy), service, n.ID)
			return err
		})
		if now := r.tells(); now != told {
			t.Errorf("an app under suspicion hears of %d steps", now-told)
		}
	})
}

// tells counts the entries about cases and notices that an operator's systems are told of.
func (r *room) tells() (n int) {
	r.t.Helper()
	signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
	if err == nil {
		err = ledger.Open(r.Store, "wardkeep.test", signer).Flush(r.t.Context())
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := ledger.Since(ctx, tx, 0, 1<<20)
		for _, p := range all {
			if (strings.HasPrefix(p.Kind, "warning.") || strings.HasPrefix(p.Kind, "incident.")) && webhook.TellsOf(p) {
				n++
			}
		}
		return err
	})
	return n
}

// Article 21, edge cases 6 and 22: each guardian is told by the next way until one reaches them,
// at last the public; a child through its guardians. Who isn't verified, or is the threat, hears
// nothing.
func TestArticle21_WhomNoMessageReachesIsReachedByTheNextWay(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		r.family(person("13800138001", ""))
		r.family(person("", "lin@unknown.example"))
		r.family(person("", "zhou@parents.example"))
		erased, _ := r.family(person("13800138004", ""))
		threat, hidden := r.family(person("13800138005", ""))
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, service, threat.ID)
			if err == nil {
				_, err = family.Hide(ctx, tx, r.Ring, c, hidden.ID, "sh_test", tx.Now().Add(time.Hour))
			}
			return err
		})
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := r.Vault.Erase(ctx, tx, "system:test", service, erased.ID, family.Requested)
			return err
		})
		n := r.notice()
		r.sms.fails = notify.ErrUnavailable
		if done := r.round(); done.Prepared != 7 || done.Sent != 1 || done.Waits != 1 {
			t.Errorf("%+v", done)
		}
		// The child of whom only the threat is on file is one whose family can't be told.
		r.stands(n, "waiting 1, sent 1, letter 1, through 3, unreachable 1")
		r.sms.fails = nil
		r.Pass(time.Minute)
		r.round()
		r.stands(n, "sent 2, letter 1, through 3, unreachable 1")
		if len(r.sms.taken) != 1 || !slices.Equal(r.box.letters, []string{"<zhou@parents.example>"}) {
			t.Errorf("taken: %d, %q", len(r.sms.taken), r.box.letters)
		}
		for _, m := range r.sms.taken {
			if s := m.Text.Reveal(); !strings.Contains(s, "/warnings/"+n.ID+"?lang=zh-CN") {
				t.Error("a text message leads nowhere")
			}
		}
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			_, email, err := r.teller.Preview(ctx, tx, n, i18n.English)
			for _, part := range said().English.Parts() {
				if !strings.Contains(email.Text.Reveal(), part.Text) {
					t.Errorf("an e-mail lacks %q", part.Text)
				}
			}
			return err
		})
		// The sheet is shown to whom the matrix lets, and of nobody whom a message has reached.
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			_, lines, err := r.teller.Sheet(ctx, tx, tells(r.manager), service, n.ID, warning.Letter, pii.Text{})
			if len(lines) != 1 || lines[0].Ref.Reveal() != "r-lin@unknown.example" {
				t.Errorf("%d to write to", len(lines))
			}
			return err
		})
		if err := r.note(n, warning.Letter, warning.Reached); !errors.Is(err, warning.ErrOutcome) {
			t.Errorf("a letter picks up: %v", err)
		}
		for _, step := range []struct {
			state warning.State
			came  warning.Outcome
			after string
		}{
			{warning.Letter, warning.Mailed, "sent 2, posted 1, through 3, unreachable 1"},
			{warning.Posted, warning.Returned, "sent 2, through 3, unreachable 2"},
		} {
			if err := r.note(n, step.state, step.came); err != nil {
				t.Fatal(err)
			}
			r.stands(n, step.after)
			if err := r.Try(func(ctx context.Context, tx *db.Tx) error {
				_, lines, err := r.teller.Sheet(ctx, tx, tells(r.manager), service, n.ID, warning.Sent, pii.New("r-13800138001"))
				if len(lines) != 1 || !lines[0].Phone.IsZero() {
					t.Errorf("whose message comes back: %d, or with a number", len(lines))
				}
				return err
			}); err != nil {
				t.Error(err)
			}
			// Whose letter comes back is found by what the operator calls the child, and nobody else is shown.
			for ref, many := range map[string]int{"r-lin@unknown.example": 1, "r-zhou@parents.example": 0} {
				if step.came != warning.Mailed {
					break
				}
				if err := r.Try(func(ctx context.Context, tx *db.Tx) error {
					_, lines, err := r.teller.Sheet(ctx, tx, tells(r.manager), service, n.ID, warning.Posted, pii.New(ref))
					if len(lines) != many {
						t.Errorf("%d letters to %s", len(lines), ref)
					}
					return err
				}); (err == nil) != (many == 1) {
					t.Errorf("the letter to %s: %v", ref, err)
				}
			}
		}
		// A gateway that took a message says later that it came back: by the name it got it under.
		for message, m := range r.sms.taken {
			for _, of := range []struct{ to, message string }{{"13800138009", message}, {m.To.Reveal(), "x"}, {"zhou@parents.example", message}, {m.To.Reveal(), message}, {m.To.Reveal(), message}} {
				err := r.Try(func(ctx context.Context, tx *db.Tx) error {
					_, err := r.teller.CameBack(ctx, tx, r.App, pii.New(of.to), of.message)
					return err
				})
				if first := of.to == m.To.Reveal() && of.message == message; first && err == nil {
					r.stands(n, "sent 1, call 1, through 3, unreachable 2")
				} else if !errors.Is(err, warning.ErrMessage) {
					t.Errorf("a message that nobody has sent comes back: %v", err)
				}
			}
		}
		r.stands(n, "sent 1, call 1, through 3, unreachable 2")
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := warning.Publish(ctx, tx, r.Ring, judges(r.deputy), service, n.ID)
			return err
		})
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := warning.Public(ctx, tx, 10)
			if len(all) != 1 || all[0].ID != n.ID {
				t.Errorf("%d warnings", len(all))
			}
			return err
		})
	})
}

// Article 21: who doesn't pick up is telephoned three times, then written to.
func TestArticle21_WhoIsTelephoned(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		r.family(person("13800138001", ""))
		n := r.notice()
		r.sms.fails = notify.ErrRejected
		r.round()
		r.stands(n, "call 1, through 1")
		for _, want := range []string{"call 1, through 1", "call 1, through 1", "letter 1, through 1"} {
			if err := r.note(n, warning.Call, warning.NoAnswer); err != nil {
				t.Fatal(err)
			}
			r.stands(n, want)
		}
	})
}

// Article 21: a notice goes on where it was, paused or stopped at any moment, and tells nobody
// twice; of whom the case reaches later, the new ones are told.
func TestArticle21_NobodyIsToldTwice(t *testing.T) {
	each(t, func(t *testing.T, r *room) {
		r.family(person("13800138001", ""))
		n := r.notice()
		ctx, stop := context.WithCancel(t.Context())
		r.sms.after = stop // we are stopped once the gateway took it: whether it did is noted all the same
		r.teller.Round(ctx)
		r.sms.after = nil
		r.stands(n, "sent 1, through 1")
		do := func(verb func(context.Context, *db.Tx, staff.Acting, string, string) (warning.Notice, string, error)) {
			t.Helper()
			r.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := verb(ctx, tx, writes(r.manager), service, n.ID)
				return err
			})
		}
		do(warning.Pause)
		r.family(person("13800138002", ""))
		do(warning.Extend)
		if r.round(); r.sms.tries != 1 {
			t.Errorf("a paused notice is sent: %d", r.sms.tries)
		}
		r.stands(n, "sent 1, through 1")
		if err := r.Try(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := r.teller.Sheet(ctx, tx, tells(r.manager), service, n.ID, warning.Call, pii.Text{})
			return err
		}); !errors.Is(err, warning.ErrPaused) {
			t.Errorf("whom to call by a paused notice: %v", err)
		}
		do(warning.Resume)
		r.round()
		r.round()
		r.stands(n, "sent 2, through 2")
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			is, err := warning.Find(ctx, tx, service, n.ID)
			if is.Children != 2 || is.Addressees != 4 {
				t.Errorf("of %d children %d are told", is.Children, is.Addressees)
			}
			return err
		})
		if len(r.sms.taken) != 2 || r.sms.tries != 2 {
			t.Errorf("%d messages in %d tries", len(r.sms.taken), r.sms.tries)
		}
		// Who is put on the list of the case by now is told by nothing that the two have confirmed
		// until somebody extends that, and it says so (Article 21).
		untold := func(want int64) {
			t.Helper()
			r.Do(func(ctx context.Context, tx *db.Tx) error {
				is, err := warning.Find(ctx, tx, service, n.ID)
				if err != nil {
					return err
				}
				many, err := warning.Untold(ctx, tx, is)
				if err != nil {
					return err
				}
				all, err := warning.Behinds(ctx, tx, service)
				if many != want || len(all) != int(min(want, 1)) || want > 0 && (all[0].ID != n.ID || all[0].Untold != want) {
					t.Errorf("%d are told of nothing, and %v; want %d", many, all, want)
				}
				return err
			})
		}
		untold(0)
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			var found []incident.Found
			for _, one := range r.children {
				c, err := family.Find(ctx, tx, service, one)
				if err != nil {
					return err
				}
				found = append(found, incident.Found{Subject: c.Subject})
			}
			_, _, err := incident.Reach(ctx, tx, r.Officer, service, r.incident.ID, found)
			return err
		})
		untold(2)
		do(warning.Extend)
		untold(0) // while it goes through them
		r.round()
		untold(0)
		// The power fails after the gateway took one and before that is noted: it is sent once more
		// by the same name, and the gateway drops the second.
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			due := tx.Now().Add(time.Minute)
			_, err := tx.Exec(ctx, `UPDATE breach_addressee SET state = 'sending', tries = 1, due_at = $1 WHERE child = $2 AND addressee <> ''`, (*db.Time)(&due), r.children[0])
			return err
		})
		if r.round(); r.sms.tries != 2 {
			t.Errorf("one that may be on its way is sent again: %d", r.sms.tries)
		}
		// What the gateway says of it meanwhile isn't lost: it is to be said again.
		sending := 0
		for message, m := range r.sms.taken {
			if err := r.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := r.teller.CameBack(ctx, tx, r.App, m.To, message)
				return cmp.Or[error](err, warning.ErrState) // nothing of it stays
			}); errors.Is(err, warning.ErrSending) {
				sending++
			}
		}
		if sending != 1 {
			t.Errorf("%d come back before it is noted that they went", sending)
		}
		r.Pass(time.Minute)
		r.round()
		r.stands(n, "sent 2, through 2")
		if len(r.sms.taken) != 2 || r.sms.tries != 3 {
			t.Errorf("%d messages in %d tries", len(r.sms.taken), r.sms.tries)
		}
		// Two nodes have read the same one: while the first sends, the second leaves them alone.
		var a warning.Addressee
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE breach_addressee SET state = 'sending', tries = 1, due_at = changed_at WHERE child = $1 AND addressee <> ''`, r.children[0])
			if err != nil {
				return err
			}
			all, err := warning.List(ctx, tx, n, warning.Sending, warning.Addressee{}, 1)
			a = all[0]
			return err
		})
		r.sms.after = func() {
			r.sms.after = nil
			if err := warning.One(t.Context(), r.teller, n, a); err != nil {
				t.Error(err)
			}
		}
		if err := warning.One(t.Context(), r.teller, n, a); err != nil {
			t.Error(err)
		}
		r.stands(n, "sent 2, through 2")
		if len(r.sms.taken) != 2 || r.sms.tries != 4 {
			t.Errorf("%d messages in %d tries", len(r.sms.taken), r.sms.tries)
		}
		// Whose contact can't be read is put off, and keeps nobody from being told.
		broken, _ := r.family(person("13800138003", ""))
		r.family(person("13800138004", ""))
		do(warning.Extend)
		r.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE guardian SET phone = hidden_mark WHERE child = $1`, broken.ID)
			return err
		})
		if _, err := r.teller.Round(t.Context()); err == nil {
			t.Error("nobody hears that somebody can't be told")
		}
		r.stands(n, "waiting 1, sent 3, through 4")
		r.round()
		r.Pass(3 * time.Hour)
		if _, err := r.teller.Round(t.Context()); err == nil {
			t.Error("who was put off isn't tried again")
		}
	})
}

func person(phone, email string) family.Person {
	return family.Person{Phone: pii.New(phone), Email: pii.New(email)}
}
