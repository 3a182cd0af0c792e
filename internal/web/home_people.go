package web

import (
	"context"
	"net/http"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/session"
)

func (s *Server) homePeople(mux *http.ServeMux) {
	s.form(mux, "POST /home/{tie}/invite", "/home/{tie}#people", s.homeInvite)
	s.form(mux, "POST /home/{tie}/leave", "/home/{tie}#people", s.homeLeave)
}

// A homePerson is somebody who is or was tied to the child: what it is to the
// child, and never how it is reached or what it is called.
type homePerson struct {
	Relation, State string // keys
	At              time.Time
	Me              bool
}

// people lists everybody in office, me first, and says whether nobody but me could
// speak for the child. A former guardian isn't shown: old links are severed (edge
// case 9). Nor is a minor who was asked itself.
func people(me family.Tie, guardians []family.Guardian) (all []homePerson, alone bool) {
	all, alone = []homePerson{{}}, true
	for _, g := range guardians {
		if !g.EndedAt.IsZero() || g.Relation == family.Self {
			continue
		}
		p := homePerson{Relation: "web.mine.relation." + string(g.Relation), State: "web.mine.person.unverified", At: g.VerifiedAt, Me: g.ID == me.ID}
		switch {
		case g.MayAnswer():
			p.State = "web.mine.person.verified"
		case !g.Relation.MaySpeak():
			p.State = "web.mine.person.contact"
		}
		if p.Me {
			all[0] = p
			continue
		}
		all, alone = append(all, p), alone && !g.MayAnswer()
	}
	return all, alone
}

// homeInvite ties another guardian to the child by a contact, and asks that person.
// It may answer only after a code that goes to that contact. What it says then
// counts beside the inviter's: one no is enough (edge case 7), so inviting a
// contact of one's own wins nothing over another guardian. Who was invited before and
// hasn't answered is sent the same request again.
func (s *Server) homeInvite(w http.ResponseWriter, r *http.Request) error {
	h, err := family.ParseHandle(s.Ring, pii.New(r.PostFormValue("contact")))
	if err != nil {
		return err
	}
	relation, err := family.ParseRelation(r.PostFormValue("relation"))
	if err != nil || !relation.MaySpeak() || relation == family.Institution {
		return ErrForm
	}
	person, channel := family.Person{Relation: relation, Phone: h.To}, consent.SMS
	if h.Email {
		person, channel = family.Person{Relation: relation, Email: h.To}, consent.Email
	}
	var letter notify.Message
	err = s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		// Edge case 22: nobody is let in by whom nothing is shown, who could be that one again.
		t, _, err := s.openTie(r, in, tx.Now())
		if err != nil {
			return err
		}
		letter, err = s.invite(ctx, tx, r, t, person, channel)
		return err
	})
	if err != nil {
		return s.toDoor(w, r, err)
	}
	// If we crash here nothing arrives; the request is there, and whoever invites the
	// same person again, or the operator's app, has it sent.
	if err := s.Messages.Send(r.Context(), letter); err != nil {
		return err
	}
	http.Redirect(w, r, at(r, "/home/{tie}#people", "invited"), http.StatusSeeOther)
	return nil
}

func (s *Server) invite(ctx context.Context, tx *db.Tx, r *http.Request, t family.Tie, person family.Person, channel consent.Channel) (notify.Message, error) {
	child, err := family.Lock(ctx, tx, t.Of.Service, t.Of.ID)
	if err != nil {
		return notify.Message{}, err
	}
	added, _, err := s.Vault.Gate.AddGuardian(ctx, tx, t.Guardian, child, person)
	if err != nil {
		return notify.Message{}, err
	}
	request, _, _, err := s.desk.AskOnce(ctx, tx, t.Guardian, child, consent.Asking{Guardian: added.ID, Channel: channel, Locale: string(lang(r))})
	if err != nil {
		return notify.Message{}, err
	}
	request, secrets, to, _, err := s.desk.Send(ctx, tx, t.Guardian, request)
	if err != nil {
		return notify.Message{}, err
	}
	return message.Invitation(ctx, tx, s.desk, s.PublicURL, request, secrets, to)
}

// homeLeave ends the guardian's own tie (edge case 8): from the commit on it sees
// and decides nothing about this child any more. It is told, in case it was
// somebody else with its phone.
func (s *Server) homeLeave(w http.ResponseWriter, r *http.Request) error {
	var letters []notify.Message
	err := s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		// Nor does it leave, to be registered anew as somebody else: the office sees to that.
		t, _, err := s.openTie(r, in, tx.Now())
		if err != nil {
			return err
		}
		child, err := family.Lock(ctx, tx, t.Of.Service, t.Of.ID)
		if err != nil {
			return err
		}
		letters = s.Farewell.Released(ctx, tx, child, t.ID)
		if _, err := s.desk.EndGuardian(ctx, tx, t.Guardian, child, t.ID); err != nil {
			return err
		}
		_, err = s.Vault.EraseUnfounded(ctx, tx, t.Guardian.Ledger(), child.Service, child.ID)
		return err
	})
	if err != nil {
		return s.toDoor(w, r, err)
	}
	s.Farewell.Send(r.Context(), letters)
	http.Redirect(w, r, at(r, "/home"), http.StatusSeeOther)
	return nil
}
