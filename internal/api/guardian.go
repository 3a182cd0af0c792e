package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/receipt"
)

// behind returns the request that the link leads to. One that was answered takes
// no answer any more, but its guardian may come back to withdraw.
func (s *Server) behind(ctx context.Context, tx *db.Tx, c *call) (consent.Request, error) {
	r, err := s.desk.ByToken(ctx, tx, c.param("token"))
	if errors.Is(err, consent.ErrAnswered) {
		return r, nil
	}
	return r, err
}

// linked looks for the request behind the link, before a change. The look takes
// nothing of SQLite's one writer, so that whoever guesses links holds up nobody.
// Nothing rests on it: the change looks again.
func (s *Server) linked(ctx context.Context, c *call) error {
	return s.Store.View(ctx, func(tx *db.Tx) error {
		_, err := s.behind(ctx, tx, c)
		return err
	})
}

// slow limits how often one link may be used, whoever has it.
func (s *Server) slow(c *call) error {
	return s.limits.links.limit(c.w.Header(), "link", string(s.Ring.Index("api.link", c.param("token"))), time.Now())
}

// byLink runs fn once per Idempotency-Key in the name of the link.
func byLink[O any](ctx context.Context, s *Server, c *call, fn func(tx *db.Tx, r consent.Request) (answer[O], error)) (answer[O], error) {
	if err := s.slow(c); err != nil {
		return answer[O]{}, err
	}
	if err := s.linked(ctx, c); err != nil {
		return answer[O]{}, err
	}
	return changeBy(ctx, s, c, func(tx *db.Tx) (string, func() (answer[O], error), error) {
		r, err := s.behind(ctx, tx, c)
		return linkName(r), func() (answer[O], error) { return fn(tx, r) }, err
	})
}

// linkName stands for the credential of whoever has the link.
func linkName(r consent.Request) string { return "link:" + r.ID }

type langInput struct {
	Lang string `query:"lang" enum:"zh-CN,en" doc:"of the notice"`
}

// guardianOpen shows the notice, and records what was shown (Article 10).
func guardianOpen(s *Server, ctx context.Context, c *call, in *langInput) (answer[wardkeep.GuardianRequest], error) {
	var out answer[wardkeep.GuardianRequest]
	if err := s.slow(c); err != nil {
		return out, err
	}
	if err := s.linked(ctx, c); err != nil {
		return out, err
	}
	err := s.Store.Update(ctx, func(tx *db.Tx) error {
		r, err := s.behind(ctx, tx, c)
		if err != nil {
			return err
		}
		lang := in.Lang
		if lang == "" {
			lang = r.Locale
		}
		p, err := s.Charters.Version(ctx, tx, r.Service, r.Charter)
		if err != nil {
			return err
		}
		out.Body = wardkeep.GuardianRequest{
			Service: p.Charter.Name.In(charter.Lang(lang)), State: string(r.State), Purposes: r.Purposes, Lang: lang, ExpiresAt: r.ExpiresAt,
		}
		out.Body.Needs = int(consent.Needed(p.Charter, r.Purposes...))
		for _, m := range s.verify.Offered() {
			out.Body.Methods = append(out.Body.Methods, string(m))
		}
		if r.State == consent.Answered {
			return nil
		}
		r, notice, entry, err := s.desk.Open(ctx, tx, r, lang, consent.OnAPI)
		if err != nil {
			return err
		}
		out.Entry = entry
		out.Body.State, out.Body.NoticeHash = string(r.State), notice.Hash()
		out.Body.Notice = noticeView(notice)
		return nil
	})
	return out, err
}

// guardianSendCode sends a one-time code to the guardian's phone or mailbox.
func guardianSendCode(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.CodeSent], error) {
	var letter notify.Message
	var name string
	out, err := byLink(ctx, s, c, func(tx *db.Tx, r consent.Request) (out answer[wardkeep.CodeSent], err error) {
		code, err := s.desk.SendCode(ctx, tx, r)
		if err != nil {
			return out, err
		}
		p, err := s.Charters.Version(ctx, tx, r.Service, r.Charter)
		if err != nil {
			return out, err
		}
		lang := i18n.Lang(r.Lang())
		letter = notify.Code{Service: p.Charter.Name.In(charter.Lang(lang)), Code: code.Code, Life: code.Life}.Message(
			notify.To{Channel: notify.Channel(code.Channel), Address: code.To, Lang: lang, Site: s.PublicURL})
		name = linkName(r)
		out.Body = wardkeep.CodeSent{Channel: string(code.Channel), LifeSeconds: int64(code.Life / time.Second)}
		return out, nil
	})
	if err != nil || out.kept != nil {
		return out, err
	}
	return out, s.sent(ctx, c, name, letter)
}

type codeInput struct{ Body wardkeep.CodeTyped }

// guardianVerify checks a one-time code. A wrong one is counted for good.
func guardianVerify(s *Server, ctx context.Context, c *call, in *codeInput) (answer[wardkeep.Verified], error) {
	return byLink(ctx, s, c, func(tx *db.Tx, r consent.Request) (out answer[wardkeep.Verified], err error) {
		_, out.Body.Proof, out.Entry, err = s.desk.VerifyCode(ctx, tx, r, pii.New(in.Body.Code))
		return out, err
	})
}

type answerInput struct{ Body wardkeep.GuardianAnswer }

// guardianAnswer records a yes or a no for each purpose, to what was shown. Who
// refuses everything is told, while it is still known how.
func guardianAnswer(s *Server, ctx context.Context, c *call, in *answerInput) (answer[wardkeep.Receipt], error) {
	var letters []notify.Message
	out, err := byLink(ctx, s, c, func(tx *db.Tx, r consent.Request) (out answer[wardkeep.Receipt], err error) {
		if err := r.Refusal(); err != nil {
			return out, err // before the proof, which an answer has used up
		}
		g, err := s.desk.Guardian(ctx, tx, r, in.Body.Proof)
		if err != nil {
			return out, err
		}
		shown := consent.Shown{Notice: in.Body.NoticeHash, Lang: in.Body.Lang, Channel: consent.OnAPI, At: r.Shown.At}
		given, err := s.desk.Give(ctx, tx, g, r, shown, in.Body.Answers)
		if err != nil {
			return out, err
		}
		if _, err := s.Vault.EraseUnfounded(ctx, tx, g.Ledger(), r.Service, r.Child); err != nil {
			return out, err
		}
		letters = s.Farewell.Refused(ctx, tx, r, given)
		if out.Body, err = s.receiptView(ctx, tx, r, given); err != nil {
			return out, err
		}
		out.Body.AnsweredAt = tx.Now()
		if len(given) > 0 {
			out.Entry = given[len(given)-1].Entry
		}
		return out, nil
	})
	if err == nil && out.kept == nil {
		s.Farewell.Send(ctx, letters)
	}
	return out, err
}

type withdrawInput struct{ Body wardkeep.Withdrawal }

// guardianWithdraw takes a consent back, in as few steps as giving it took.
func guardianWithdraw(s *Server, ctx context.Context, c *call, in *withdrawInput) (answer[wardkeep.Receipt], error) {
	return byLink(ctx, s, c, func(tx *db.Tx, r consent.Request) (out answer[wardkeep.Receipt], err error) {
		g, err := s.desk.Guardian(ctx, tx, r, in.Body.Proof)
		if err != nil {
			return out, err
		}
		child, err := family.Find(ctx, tx, r.Service, r.Child)
		if err != nil {
			return out, err
		}
		a, err := s.desk.Withdraw(ctx, tx, g, child, in.Body.Purpose)
		if err != nil {
			return out, err
		}
		if _, err := s.Vault.EraseUnfounded(ctx, tx, g.Ledger(), child.Service, child.ID); err != nil {
			return out, err
		}
		out.Entry = a.Entry
		out.Body, err = s.receiptView(ctx, tx, r, []consent.Answer{a})
		return out, err
	})
}

type askAgainInput struct{ Body wardkeep.AskAgain }

// guardianAsk starts a request that the guardian wants, who has answered this
// one: after a no, nobody else may (edge case 26).
func guardianAsk(s *Server, ctx context.Context, c *call, in *askAgainInput) (answer[wardkeep.AskedAgain], error) {
	return byLink(ctx, s, c, func(tx *db.Tx, r consent.Request) (out answer[wardkeep.AskedAgain], err error) {
		g, err := s.desk.Guardian(ctx, tx, r, in.Body.Proof)
		if err != nil {
			return out, err
		}
		asked, secrets, entry, err := s.desk.AskAgain(ctx, tx, g, r, in.Body.Purposes)
		if err != nil {
			return out, err
		}
		out.Entry = entry
		out.Body = wardkeep.AskedAgain{
			Request: asked.ID, URL: s.link(secrets), Token: secrets.Token, Purposes: asked.Purposes, ExpiresAt: asked.ExpiresAt,
		}
		return out, nil
	})
}

func (s *Server) receiptView(ctx context.Context, tx *db.Tx, r consent.Request, answers []consent.Answer) (wardkeep.Receipt, error) {
	answered, err := s.Charters.Version(ctx, tx, r.Service, r.Charter)
	if err != nil {
		return wardkeep.Receipt{}, err
	}
	v := wardkeep.Receipt{Request: r.ID, Charter: r.Charter, AnsweredAt: r.AnsweredAt, Answers: make([]wardkeep.ReceiptAnswer, 0, len(answers))}
	for _, a := range answers {
		v.Answers = append(v.Answers, wardkeep.ReceiptAnswer{
			Consent: a.ID, Purpose: a.Purpose, Granted: a.Granted, Withdrawal: a.Withdraws != "", NoticeHash: a.Notice, Lang: a.Lang,
			GivenAt: a.GivenAt, EndedAt: a.EndedAt, Entry: a.Entry, Strength: int(a.Strength),
			Unproved: a.Granted && a.Strength < consent.Needed(answered.Charter, a.Purpose),
		})
	}
	return v, nil
}

// proofHeader holds the proof where there is no body.
const proofHeader = "Wardkeep-Proof"

// guardianReceipt shows what was chosen, with the proofs of the ledger. The link
// alone opens it to nobody: it may lie in a child's hands.
func guardianReceipt(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Receipt], error) {
	var out answer[wardkeep.Receipt]
	if err := s.slow(c); err != nil {
		return out, err
	}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		r, err := s.behind(ctx, tx, c)
		if err != nil {
			return err
		}
		by, err := s.desk.Reader(ctx, tx, r, c.header(proofHeader))
		if err != nil {
			return err
		}
		child, err := family.Find(ctx, tx, r.Service, by.Child)
		if err != nil {
			return err
		}
		receipt, err := consent.ReceiptOf(ctx, tx, child, r.ID)
		if err != nil {
			return err
		}
		if out.Body, err = s.receiptView(ctx, tx, receipt.Request, receipt.Answers); err != nil {
			return err
		}
		for i := range out.Body.Answers {
			proof, err := proofOf(ctx, tx, out.Body.Answers[i].Entry)
			if errors.Is(err, ledger.ErrNotFound) {
				continue // it gets its place within a second
			}
			if err != nil {
				return err
			}
			out.Body.Answers[i].Proof = proof
		}
		return nil
	})
	return out, err
}

// guardianRecord is the receipt as a file that anybody checks offline: see
// receipt.Record.
func guardianRecord(s *Server, w http.ResponseWriter, r *http.Request, c *call) error {
	if err := s.slow(c); err != nil {
		return err
	}
	ctx := r.Context()
	var record receipt.Record
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		request, err := s.behind(ctx, tx, c)
		if err != nil {
			return err
		}
		by, err := s.desk.Reader(ctx, tx, request, c.header(proofHeader))
		if err != nil {
			return err
		}
		office := receipt.Office{Charters: s.Charters, Key: s.LedgerKey, PublicURL: s.PublicURL}
		record, err = office.Of(ctx, tx, by, request)
		return err
	})
	if err != nil {
		return err
	}
	file, err := record.JSON()
	if err != nil {
		return err
	}
	send(w, http.StatusOK, recordType, file)
	return nil
}

// recordType is the type of a consent record.
const recordType = "application/ld+json"
