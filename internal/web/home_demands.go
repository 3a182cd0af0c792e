package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
)

func (s *Server) homeDemands(mux *http.ServeMux) {
	s.form(mux, "POST /home/{tie}/demand", "/home/{tie}#demands", s.homeDemand)
	s.form(mux, "POST /home/{tie}/keep", "/home/{tie}#demands", s.homeKeep)
}

// A homeDemand is something that was demanded about the child, and where it stands.
type homeDemand struct {
	ID, Number, What, Item string // What is a key
	State, Reason, Longer  string // keys; Reason and Longer may be empty
	Who                    string // a key: through which door it came
	Received, Due, Erase   time.Time
	Answer                 pii.Text // what was answered in writing, to whoever asked
	Erases, Open, Keep     bool     // Keep: this guardian may end it
	Office                 bool     // the office decides about it (edge case 22)
	Fetch                  bool     // this guardian finds the answer here, until FetchUntil
	Copy                   bool
	FetchUntil             time.Time
	Port                   *homePort  // a copy that is handed to somebody
	Told                   []homeTold // that this guardian was told of it
}

// A homeTold is that a message was taken for the guardian; How is a key.
type homeTold struct {
	How string
	At  time.Time
}

// A homeItem is one that can be supplemented.
type homeItem struct{ Name, Label string }

// demands lists what was demanded about the child. What is said to the one who
// asked isn't shown to another guardian.
func (s *Server) demands(ctx context.Context, tx *db.Tx, t family.Tie, words told, page *homeChildPage) error {
	all, err := rights.Of(ctx, tx, t.Child)
	if err != nil {
		return err
	}
	ports, err := s.portStates(ctx, tx, t, all)
	if err != nil {
		return err
	}
	page.Days = s.Clocks.Or(rights.Defaults).Finish
	for _, r := range all {
		d := homeDemand{
			ID: r.ID, Number: r.Number, What: "web.mine.demand." + string(r.Kind), State: "web.mine.demand.state." + string(r.State),
			Who: "web.mine.demand.by." + string(r.Door), Received: r.ReceivedAt, Due: r.DueAt, Erase: r.EraseAt,
			Office: r.Waits(), Erases: r.Kind.Erases(), Open: r.State == rights.Open,
			Fetch: r.MayFetch(t.Guardian, tx.Now()), Copy: r.Kind == rights.Copy, Port: ports[r.ID], FetchUntil: page.lasts(r.FetchUntil),
		}
		for _, told := range r.Told {
			if told.Guardian == t.ID {
				d.Told = append(d.Told, homeTold{"web.mine.erasing.told." + told.Channel, told.At})
			}
		}
		mine := r.Door == rights.ByGuardian && r.Guardian == t.ID
		if mine {
			d.Who = "web.mine.demand.by.me"
		}
		d.Keep = d.Open && d.Erases && (r.Door == rights.ByContact || r.Door == rights.ByChild && words.class == age.Child)
		if r.Item != "" {
			d.Item = words.demanded(r.Item)
		}
		if r.Reason != "" {
			d.Reason = "web.mine.demand.reason." + string(r.Reason)
		}
		if r.Extended != "" {
			d.Longer = "web.mine.demand.longer." + string(r.Extended)
		}
		if mine || r.Door != rights.ByGuardian {
			if _, d.Answer, err = r.Text(s.Ring, t.Of); err != nil {
				return err
			}
		}
		page.Told = page.Told || d.Fetch && r.Kind == rights.Access && mine
		page.Copied = page.Copied || d.Fetch && d.Copy && mine
		if d.Erases && d.Open {
			page.Erasing = &d
		}
		page.Demands = append(page.Demands, d)
	}
	for _, it := range words.now.Charter.Items {
		if !slices.ContainsFunc(page.Held, func(h homeHeld) bool { return h.Item == it.Name }) {
			page.Missing = append(page.Missing, homeItem{it.Name, it.Label.In(words.lang)})
		}
	}
	return nil
}

// demanded returns what a parent calls what is to be corrected or supplemented.
func (t told) demanded(item string) string {
	label, _ := t.item(item)
	if label == rights.BirthDate {
		return i18n.Lang(t.lang).T("web.mine.birth_date")
	}
	return label
}

// homeDemand takes what a guardian demands: to be told, to get a copy, to correct, to
// supplement, to delete, or to close the account (Articles 19 and 20). One to delete confirms what the child, or somebody else,
// has demanded already.
func (s *Server) homeDemand(w http.ResponseWriter, r *http.Request) error {
	ask := rights.Demand{Kind: rights.Kind(r.PostFormValue("kind")), Door: rights.ByGuardian, Item: r.PostFormValue("item"),
		Text: pii.New(r.PostFormValue("text"))}
	err := s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, _, err := tie(r, in)
		if err != nil {
			return err
		}
		ask.Guardian = t.ID
		_, _, err = s.Vault.Demand(ctx, tx, s.rights, t.Guardian, t.Of, ask)
		return err
	})
	return s.toDemands(w, r, err)
}

// homeKeep ends a demand to erase: the guardian keeps what is held.
func (s *Server) homeKeep(w http.ResponseWriter, r *http.Request) error {
	request := r.PostFormValue("request")
	err := s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, _, err := s.openTie(r, in, tx.Now())
		if err != nil {
			return err
		}
		asked, err := rights.Find(ctx, tx, t.Of.Service, request)
		if err == nil && asked.Child != t.Child {
			err = rights.ErrNotFound
		}
		if err != nil {
			return err
		}
		_, _, err = s.rights.Keep(ctx, tx, t.Guardian, asked)
		return err
	})
	return s.toDemands(w, r, err)
}

func (s *Server) toDemands(w http.ResponseWriter, r *http.Request, err error) error {
	if err != nil {
		return s.toDoor(w, r, err)
	}
	http.Redirect(w, r, at(r, "/home/{tie}#demands"), http.StatusSeeOther)
	return nil
}
