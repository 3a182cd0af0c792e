package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/notify"
)

// ErrForm says that a form came back changed or cut off.
var ErrForm = errs.New(errs.Malformed, "web.form")

func (s *Server) guardian(mux *http.ServeMux) {
	s.handle(mux, "GET /c", s.typeCode)
	s.handle(mux, "POST /c", s.followCode)
	s.handle(mux, "GET /ask/{ask}", s.ask)
	s.handle(mux, "GET /ask/{ask}/{$}", withoutSlash)
	s.form(mux, "POST /ask/{ask}/send", "/ask/{ask}", s.askSend)
	s.handle(mux, "GET /r/{token}", s.request)
	s.handle(mux, "GET /r/{token}/{$}", withoutSlash)
	s.handle(mux, "POST /r/{token}", s.renew)
	s.form(mux, "POST /r/{token}/renew", "/r/{token}", s.renew)
	s.form(mux, "POST /r/{token}/code", "/r/{token}", s.sendCode)
	s.form(mux, "POST /r/{token}/verify", "/r/{token}", s.verify)
	s.form(mux, "POST /r/{token}/answer", "/r/{token}", s.answer)
	s.handle(mux, "GET /r/{token}/receipt", s.receipt)
	s.handle(mux, "GET /r/{token}/receipt.json", s.download)
	s.handle(mux, "GET /r/{token}/receipt/print", s.print)
	s.form(mux, "POST /r/{token}/withdraw", "/r/{token}", s.withdraw)
	s.form(mux, "POST /r/{token}/again", "/r/{token}", s.again)
}

// withoutSlash leads from where a refusal points to the page that is meant.
func withoutSlash(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, strings.TrimSuffix(r.URL.EscapedPath(), "/")+inLang(lang(r), sent(r)...), http.StatusSeeOther)
	return nil
}

// sent is the mark of a page that says a code is on its way, where it stands.
func sent(r *http.Request) []string {
	if r.URL.Query().Has("sent") {
		return []string{"sent"}
	}
	return nil
}

// find returns the request behind the link in the path. With a request that has
// ended it returns the refusal too.
func (s *Server) find(ctx context.Context, tx *db.Tx, r *http.Request) (consent.Request, error) {
	return s.desk.ByToken(ctx, tx, r.PathValue("token"))
}

// linked looks for the request behind the link in the path, before a change. Which of
// its ends don't refuse that is said by despite.
func (s *Server) linked(r *http.Request, despite ...error) look {
	return func(ctx context.Context, tx *db.Tx) error {
		_, err := s.find(ctx, tx, r)
		for _, end := range despite {
			if errors.Is(err, end) {
				return nil
			}
		}
		return err
	}
}

// answered lets a request pass that was answered: its guardian may come back.
func answered(err error) error {
	if errors.Is(err, consent.ErrAnswered) {
		return nil
	}
	return err
}

func (s *Server) typeCode(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, "guardian/code.html", nil)
}

// followCode leads from a short code to a link: the code ends with its request,
// and the guardian shall come back to withdraw.
func (s *Server) followCode(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	code := r.PostFormValue("code")
	var token string
	err := s.change(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.desk.ByCode(ctx, tx, code)
		return err
	}, func(tx *db.Tx) (err error) {
		token, err = s.desk.Follow(ctx, tx, code)
		return err
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, linkAt(r, token), http.StatusSeeOther)
	return nil
}

// requestPage is what guardian/request.html shows.
type requestPage struct {
	Token, Service, Name, Nickname string
	Asked                          askedPart // all that is the same for everybody
	Notice, Page                   string    // the hashes of what is shown
	Sent                           bool      // a code is on its way
	Verified                       bool      // this browser has proved to be the guardian's
	Expires                        time.Time
	Left                           string
	Proofs                         bool      // stronger proofs than a code are offered
	Until                          string    // something that is asked needs one: the key of what doesn't happen without
	Proved                         bool      // … and this browser has shown it
	Minor                          bool      // the minor itself is asked (edge case 4)
	Ends                           time.Time // of the child if nobody agrees; zero: it stays registered, whatever becomes of the request
}

func (p requestPage) toMinor() bool { return p.Minor }

// request shows what is asked. For a verified guardian it is the page with the
// controls, and that very page is recorded with its hash (Article 9).
func (s *Server) request(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	page := requestPage{Token: r.PathValue("token"), Sent: r.URL.Query().Has("sent")}
	err := s.change(ctx, s.linked(r), func(tx *db.Tx) error {
		req, err := s.find(ctx, tx, r)
		if err != nil {
			return err
		}
		return s.fillRequest(ctx, tx, &page, req, r)
	})
	if errors.Is(err, consent.ErrAnswered) {
		http.Redirect(w, r, at(r, "/r/{token}/receipt", sent(r)...), http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "guardian/request.html", page)
}

func (s *Server) fillRequest(ctx context.Context, tx *db.Tx, page *requestPage, req consent.Request, r *http.Request) error {
	l := lang(r)
	by, err := s.desk.Guardian(ctx, tx, req, proof(r))
	mine := err == nil
	if err != nil && !errors.Is(err, consent.ErrVerified) {
		return err
	}
	var notice charter.NoticeDoc
	if req.State == consent.Verified && !mine {
		// Somebody else with the link. The guardian has the page open, and what it
		// answers must stay what it was shown.
		notice, err = s.desk.Look(ctx, tx, req, string(l))
	} else {
		req, notice, _, err = s.desk.Open(ctx, tx, req, string(l), consent.OnPage)
	}
	if err != nil {
		return err
	}
	page.Verified = mine && req.State == consent.Verified
	if page.Minor, err = consent.OfMinor(ctx, tx, req); err != nil {
		return err
	}
	if page.Asked, err = s.asked(ctx, tx, req, notice, l, page.Minor, page.Verified); err != nil {
		return err
	}
	if page.Verified {
		if req, _, err = s.desk.ShowPage(ctx, tx, req, page.Asked.whole()); err != nil {
			return err
		}
	}
	published, err := s.Charters.Version(ctx, tx, req.Service, req.Charter)
	if err != nil {
		return err
	}
	needed := consent.Needed(published.Charter, req.Purposes...)
	if page.Until, page.Proved = "", by.Strength >= needed; needed > family.OneTimeCode {
		page.Until = consent.UntilProved(published.Charter)
	}
	f, err := s.face(ctx, tx, req, l)
	page.Service, page.Name, page.Nickname, page.Ends = req.Service, f.name, f.nickname, f.ends
	page.Notice, page.Page = req.Shown.Notice, req.Shown.Page
	page.Proofs = len(s.verifier.Offered()) > 0 && !page.Minor
	page.Expires, page.Left = req.ExpiresAt, left(l, req.ExpiresAt.Sub(tx.Now()))
	return err
}

func other(l i18n.Lang) i18n.Lang {
	if l == i18n.Chinese {
		return i18n.English
	}
	return i18n.Chinese
}

func (s *Server) sendCode(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	var code consent.OneTime
	var name string
	err := s.change(ctx, s.linked(r, consent.ErrAnswered), func(tx *db.Tx) error {
		req, err := s.find(ctx, tx, r)
		if err := answered(err); err != nil {
			return err
		}
		if name, err = s.serviceName(ctx, tx, req.Service, lang(r)); err != nil {
			return err
		}
		code, err = s.desk.SendCode(ctx, tx, req)
		return err
	})
	if err != nil {
		return err
	}
	// Seconds count, so the code goes out now, and not by a job. If we crash here
	// no code arrives, and the guardian asks for another.
	m := notify.Code{Service: name, Code: code.Code, Life: code.Life}.Message(
		notify.To{Channel: notify.Channel(code.Channel), Address: code.To, Lang: lang(r), Site: s.PublicURL})
	if err := s.Messages.Send(ctx, m); err != nil {
		return err
	}
	http.Redirect(w, r, at(r, "/r/{token}", "sent"), http.StatusSeeOther)
	return nil
}

// requestAt is the address of the page of the request. What stands in the path may
// be anything: escaped, it leads nowhere else.
func requestAt(r *http.Request) string { return "/r/" + url.PathEscape(r.PathValue("token")) }

// linkAt is the address that a link to a request has.
func linkAt(r *http.Request, token string) string {
	return "/r/" + url.PathEscape(token) + inLang(lang(r))
}

func (s *Server) serviceName(ctx context.Context, tx *db.Tx, service string, l i18n.Lang) (string, error) {
	p, err := s.Charters.Current(ctx, tx, service)
	if err != nil {
		return "", err
	}
	return p.Charter.Name.In(charter.Lang(l)), nil
}

func (s *Server) verify(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	code := pii.New(r.PostFormValue("code"))
	var secret string
	err := s.change(ctx, s.linked(r, consent.ErrAnswered), func(tx *db.Tx) error {
		req, err := s.find(ctx, tx, r)
		if err := answered(err); err != nil {
			return err
		}
		_, secret, _, err = s.desk.VerifyCode(ctx, tx, req, code)
		return err
	})
	if err != nil {
		return err
	}
	s.keep(w, r, secret)
	http.Redirect(w, r, at(r, "/r/{token}"), http.StatusSeeOther)
	return nil
}

const proofCookie = "wardkeep_proof"

// keep has the browser keep a proof for as long as it serves, for the pages of
// this link.
func (s *Server) keep(w http.ResponseWriter, r *http.Request, secret string) {
	http.SetCookie(w, &http.Cookie{
		Name: proofCookie, Value: secret, Path: requestAt(r), MaxAge: int(consent.ProofLife / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: strings.HasPrefix(s.PublicURL, "https:"),
	})
}

func proof(r *http.Request) string {
	c, err := r.Cookie(proofCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// signedIn returns the request and the guardian whose browser this is.
func (s *Server) signedIn(ctx context.Context, tx *db.Tx, r *http.Request) (consent.Request, family.Guardian, error) {
	req, err := s.find(ctx, tx, r)
	if err := answered(err); err != nil {
		return req, family.Guardian{}, err
	}
	g, err := s.desk.Guardian(ctx, tx, req, proof(r))
	return req, g, err
}

// answer takes the answers of a form in which nothing was preset (Article 9),
// and in which refusing is one step, as agreeing is (Article 10).
func (s *Server) answer(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	if err := r.ParseForm(); err != nil {
		return ErrForm
	}
	// The proof served for this answer. What is left of it reads the receipt;
	// whoever wants to change something proves anew.
	page := receiptPage{Token: r.PathValue("token"), Verified: true, JustNow: true}
	var letters []notify.Message
	err := s.change(ctx, s.linked(r), func(tx *db.Tx) error {
		// First what has become of the request: a form that comes twice, from the
		// back button or from two people at once, is told so, and changes nothing.
		if _, err := s.find(ctx, tx, r); err != nil {
			return err
		}
		req, g, err := s.signedIn(ctx, tx, r)
		if err != nil {
			return err
		}
		published, err := s.Charters.Version(ctx, tx, req.Service, req.Charter)
		if err != nil {
			return err
		}
		answers, err := chosen(published.Charter, req.Purposes, r.PostForm)
		if err != nil {
			return err
		}
		shown := consent.Shown{
			Notice: r.PostFormValue("notice"), Page: r.PostFormValue("page"), Lang: string(lang(r)), Channel: consent.OnPage, At: req.Shown.At,
		}
		given, err := s.desk.Give(ctx, tx, g, req, shown, answers)
		if err != nil {
			return err
		}
		if _, err := s.Vault.EraseUnfounded(ctx, tx, g.Ledger(), req.Service, req.Child); err != nil {
			return err
		}
		letters = s.Farewell.Refused(ctx, tx, req, given)
		f, err := s.face(ctx, tx, req, lang(r))
		if err != nil {
			return err
		}
		page.Name, page.Return = f.name, f.back
		child, err := family.Find(ctx, tx, req.Service, g.Child)
		if err != nil {
			return err
		}
		return s.fill(ctx, tx, &page, child, req, lang(r))
	})
	if err != nil {
		return err
	}
	s.Farewell.Send(ctx, letters)
	s.keep(w, r, proof(r))
	return s.render(w, r, http.StatusOK, "guardian/receipt.html", page)
}

// receiptPage is what guardian/receipt.html shows.
type receiptPage struct {
	Token    string
	Name     string // of the service
	Lines    []receiptLine
	Answered time.Time
	Charter  int64
	Notice   string
	Verified bool      // the browser may read it
	Acts     bool      // … and may withdraw and think again
	JustNow  bool      // the answer was given with this request
	Sent     bool      // a code is on its way
	Return   string    // where its app is, just after the answer, or ""
	Over     bool      // everything was refused: the child is about to be erased
	Until    time.Time // the end of a child for whom nobody has agreed yet; zero otherwise
	Waits    bool      // … and somebody may agree by then: another request is open
	Proofs   bool      // stronger proofs than a code are offered
	Prove    bool      // … and some line needs one
	Minor    bool      // the minor itself has answered (edge case 4)
	Ending   ending    // of the service
}

func (p receiptPage) toMinor() bool { return p.Minor }

// A receiptLine is one choice, and what became of it. At most one of the flags
// is set; with none of them, a refusal stands.
type receiptLine struct {
	Purpose, Label, Entry       string
	IfRefused                   string // what stops with a withdrawal
	Granted, Withdrawn, Renewed bool
	Until                       string // … granted by a code, which doesn't carry it (edge case 24): the key of what doesn't happen
	Again                       bool   // the guardian may think again
}

func (s *Server) receipt(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	page := receiptPage{Token: r.PathValue("token"), Sent: r.URL.Query().Has("sent")}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		req, by, err := s.reader(ctx, tx, r)
		unverified := errors.Is(err, consent.ErrVerified)
		if err != nil && !unverified {
			return err
		}
		if page.Minor, err = consent.OfMinor(ctx, tx, req); err != nil {
			return err
		}
		if page.Name, err = s.serviceName(ctx, tx, req.Service, lang(r)); err != nil || unverified {
			return err // unverified, the page asks for a code and shows nothing yet
		}
		page.Verified, page.Acts = true, by.Acts
		child, err := family.Find(ctx, tx, req.Service, by.Child)
		if err != nil {
			return err
		}
		return s.fill(ctx, tx, &page, child, req, lang(r))
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "guardian/receipt.html", page)
}

func (s *Server) fill(ctx context.Context, tx *db.Tx, page *receiptPage, child family.Child, req consent.Request, l i18n.Lang) error {
	receipt, err := consent.ReceiptOf(ctx, tx, child, req.ID)
	if err != nil {
		return err
	}
	published, err := s.Charters.Version(ctx, tx, req.Service, req.Charter)
	if err != nil {
		return err
	}
	now, err := s.Charters.Current(ctx, tx, req.Service)
	if err != nil {
		return err
	}
	var standing []consent.Answer
	var guardians []family.Guardian
	if err := tx.Together(ctx, consent.ReadStanding(&standing, child.ID), family.ReadGuardians(&guardians, child.ID)); err != nil {
		return err
	}
	// Whose every purpose was refused is erased before anybody could think again.
	over := !child.ExpiresAt.IsZero() && !child.ExpiresAt.After(tx.Now())
	page.Over, page.Until, page.Waits = over, child.ExpiresAt, false
	if !page.Until.IsZero() && !over {
		all, err := consent.Requests(ctx, tx, child.ID)
		if err != nil {
			return err
		}
		page.Waits = slices.ContainsFunc(all, func(other consent.Request) bool { return other.Refusal() == nil })
	}
	if page.Minor, err = consent.OfMinor(ctx, tx, req); err != nil {
		return err
	}
	if page.Ending, err = s.ending(ctx, tx, req.Service, req.Child, now, l); err != nil {
		return err
	}
	class, err := child.Class(s.Ring, tx.Now())
	if err != nil {
		return err
	}
	// Edge case 4: who doesn't answer at this age may take back, and not think again.
	answers := page.Minor && class == age.Minor || !page.Minor && class == age.Child
	page.Lines, page.Prove = nil, false // Update may run this again
	page.Proofs = len(s.verifier.Offered()) > 0 && !page.Minor
	page.Answered, page.Charter, page.Notice = receipt.Request.AnsweredAt, req.Charter, receipt.Request.Shown.Notice
	for _, a := range receipt.Answers {
		p, _ := published.Charter.Purpose(a.Purpose)
		_, asked := now.Charter.Purpose(a.Purpose)
		line := became(a, standing)
		line.IfRefused = p.IfRefused.In(charter.Lang(l))
		stands := consent.Standing(standing, guardians, class, a.Purpose, now.AskedSince[a.Purpose])
		// Whose answer doesn't count at this age isn't told what another's is worth.
		if answers && line.Granted && stands.Granted && stands.Strength < consent.Needed(now.Charter, a.Purpose) {
			line.Until = consent.UntilProved(now.Charter)
			page.Prove = page.Proofs
		}
		open := !line.Granted && !line.Renewed || line.Until != "" && page.Proofs
		line.Label, line.Again = p.Label.In(charter.Lang(l)), asked && !over && open && answers
		page.Lines = append(page.Lines, line)
	}
	return nil
}

// became says what an answer is worth beside those of the same guardian that
// stand.
func became(a consent.Answer, standing []consent.Answer) receiptLine {
	line := receiptLine{Purpose: a.Purpose, Entry: a.Entry}
	if a.Stands() {
		line.Granted = a.Granted
		return line
	}
	line.Withdrawn = slices.ContainsFunc(standing, func(now consent.Answer) bool { return now.Withdraws == a.ID })
	line.Renewed = !line.Withdrawn
	return line
}

func (s *Server) withdraw(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	purpose := r.PostFormValue("purpose")
	err := s.change(ctx, s.linked(r, consent.ErrAnswered), func(tx *db.Tx) error {
		req, g, err := s.signedIn(ctx, tx, r)
		if err != nil {
			return err
		}
		child, err := family.Find(ctx, tx, req.Service, g.Child)
		if err != nil {
			return err
		}
		if _, err := s.desk.Withdraw(ctx, tx, g, child, purpose); err != nil {
			return err
		}
		_, err = s.Vault.EraseUnfounded(ctx, tx, g.Ledger(), child.Service, child.ID)
		return err
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, at(r, "/r/{token}/receipt"), http.StatusSeeOther)
	return nil
}

// again starts a request about a purpose that the guardian refused or withdrew,
// and leads to it. Nobody else may begin anew (edge case 26).
func (s *Server) again(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	purpose := r.PostFormValue("purpose")
	if purpose == "" {
		return ErrForm
	}
	var secrets consent.Secrets
	err := s.change(ctx, s.linked(r, consent.ErrAnswered), func(tx *db.Tx) error {
		req, g, err := s.signedIn(ctx, tx, r)
		if err != nil {
			return err
		}
		_, secrets, _, err = s.desk.AskAgain(ctx, tx, g, req, []string{purpose})
		return err
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, linkAt(r, secrets.Token), http.StatusSeeOther)
	return nil
}
