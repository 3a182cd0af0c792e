package main

import (
	"context"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/webhook"
)

type webhookCmd struct {
	Add    webhookAddCmd    `cmd:"" help:"${webhook_add}"`
	List   webhookListCmd   `cmd:"" help:"${webhook_list}"`
	Show   webhookShowCmd   `cmd:"" help:"${webhook_show}"`
	Test   webhookTestCmd   `cmd:"" help:"${webhook_test}"`
	Replay webhookReplayCmd `cmd:"" help:"${webhook_replay}"`
	Rotate webhookRotateCmd `cmd:"" help:"${webhook_rotate}"`
	Change webhookChangeCmd `cmd:"" help:"${webhook_change}"`
	Pause  webhookPauseCmd  `cmd:"" help:"${webhook_pause}"`
	Resume webhookResumeCmd `cmd:"" help:"${webhook_resume}"`
	Remove webhookRemoveCmd `cmd:"" help:"${webhook_remove}"`
}

type webhookAddCmd struct {
	Service string   `required:"" short:"s" help:"${of_service}"`
	URL     string   `required:"" name:"url" help:"${webhook_url}"`
	Types   []string `help:"${webhook_types}"`
	Party   string   `name:"processor" help:"${webhook_party}"`
}

// Run names an address that a service's events go to. The secret by which it checks
// them is shown here, once, alone on standard output.
func (c webhookAddCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		to, err := webhook.ParseAddress(c.URL, a.Allowed())
		if err != nil {
			return err
		}
		var made webhook.Endpoint
		var secret string
		err = a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			made, secret, _, err = webhook.Add(ctx, tx, a.Ring, operator, c.Service, to, c.Types, c.Party)
			return err
		})
		if err != nil {
			return err
		}
		s.note("cmd.webhook.added", "ID", made.ID, "Service", c.Service, "Host", to.Host())
		s.print(secret)
		return nil
	})
}

type webhookListCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
}

// Run prints where the events of a service go, and how far they have got.
func (c webhookListCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		return a.Store.View(ctx, func(tx *db.Tx) error {
			if _, err := catalog.Find(ctx, tx, c.Service); err != nil {
				return err
			}
			all, err := webhook.Of(ctx, tx, c.Service)
			if err != nil {
				return err
			}
			for _, e := range all {
				n, err := e.Count(ctx, tx)
				if err != nil {
					return err
				}
				host := "?"
				if to, err := e.Address(a.Ring); err == nil {
					host = to.Host()
				} else {
					s.note("cmd.webhook.not_intact", "ID", e.ID)
				}
				types := strings.Join(e.Types, " ")
				if types == "" {
					types = "*"
				}
				if e.Party != "" {
					types = s.lang.T("cmd.webhook.orders", "Party", e.Party)
				}
				s.say("cmd.webhook.line", "ID", e.ID, "Host", host, "Types", types, "Paused", shownTime(e.PausedAt), "Delivered", e.Delivered, "Failed", e.Failed,
					"Waiting", n.Waiting, "Since", shownTime(n.Oldest), "Parked", n.Parked, "Behind", n.Behind)
			}
			return nil
		})
	})
}

func shownTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// shownMost is how many events `webhook show` prints.
const shownMost = 100

type webhookShowCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
	ID      string `arg:"" help:"${webhook_id}"`
}

// Run prints the events that an endpoint hasn't taken: those that are parked, then
// those whose tries have failed so far.
func (c webhookShowCmd) Run(ctx context.Context, s *session) error {
	return s.view(ctx, func(tx *db.Tx) error {
		e, err := webhook.Find(ctx, tx, c.Service, c.ID)
		if err != nil {
			return err
		}
		for _, parked := range []bool{true, false} {
			all, err := e.Waiting(ctx, tx, parked, shownMost)
			if err != nil {
				return err
			}
			for _, d := range all {
				entries, err := ledger.Since(ctx, tx, d.Place, 1)
				if err != nil || len(entries) == 0 {
					return err
				}
				s.say("cmd.webhook.event", "ID", entries[0].ID, "Type", entries[0].Kind, "At", shownTime(entries[0].At), "Tries", d.Tries,
					"Why", s.lang.T(d.Failure), "Status", d.Status, "Next", shownTime(d.DueAt))
			}
		}
		return nil
	})
}

type webhookTestCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
	ID      string `arg:"" help:"${webhook_id}"`
}

// Run sends an event that tells nothing twice, signed well and badly, and says whether
// the receiver told them apart. If it didn't, the command fails.
func (c webhookTestCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		if err := a.OpenSenders(); err != nil {
			return err
		}
		var e webhook.Endpoint
		err := a.Store.View(ctx, func(tx *db.Tx) (err error) {
			e, err = webhook.Find(ctx, tx, c.Service, c.ID)
			return err
		})
		if err != nil {
			return err
		}
		answers, err := a.Webhooks.Test(ctx, a.Ring, e, a.Store.Now())
		if err != nil {
			return err
		}
		s.answered("cmd.webhook.good", answers.Good)
		s.answered("cmd.webhook.bad", answers.Bad)
		if answers.Told() {
			s.say("cmd.webhook.told")
			return nil
		}
		if answers.Bad.Failure == nil {
			s.say("cmd.webhook.takes_all")
		} else {
			s.say("cmd.webhook.not_told")
		}
		return exit(exitFailed)
	})
}

// answered says what a receiver answered.
func (s *session) answered(key string, a webhook.Answer) {
	why := s.lang.T("cmd.webhook.taken")
	if a.Failure != nil {
		why = s.lang.T(errs.Of(a.Failure).Code)
	}
	s.say(key, "Why", why, "Status", a.Status)
}

type webhookReplayCmd struct {
	Service string    `required:"" short:"s" help:"${of_service}"`
	ID      string    `arg:"" help:"${webhook_id}"`
	Event   string    `xor:"what" required:"" placeholder:"le_…" help:"${webhook_event}"`
	Since   time.Time `xor:"what" required:"" placeholder:"2030-12-31T08:00:00+08:00" help:"${webhook_since}"`
	Parked  bool      `xor:"what" required:"" help:"${webhook_parked}"`
}

// Run has events sent once more, by the server.
func (c webhookReplayCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			switch {
			case c.Event != "":
				_, err = webhook.ReplayEvent(ctx, tx, operator, c.Service, c.ID, c.Event)
			case c.Parked:
				_, _, err = webhook.ReplayParked(ctx, tx, operator, c.Service, c.ID)
			default:
				_, err = webhook.ReplaySince(ctx, tx, operator, c.Service, c.ID, c.Since)
			}
			return err
		})
		if err == nil {
			s.say("cmd.webhook.replayed")
		}
		return err
	})
}

type webhookRotateCmd struct {
	Service string        `required:"" short:"s" help:"${of_service}"`
	ID      string        `arg:"" help:"${webhook_id}"`
	Overlap time.Duration `default:"24h" help:"${webhook_overlap}"`
}

// Run gives an endpoint another secret; the former signs too until the overlap is over.
func (c webhookRotateCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		var secret string
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			secret, _, err = webhook.Rotate(ctx, tx, a.Ring, operator, c.Service, c.ID, c.Overlap)
			return err
		})
		if err != nil {
			return err
		}
		s.note("cmd.webhook.rotated", "ID", c.ID, "Overlap", c.Overlap)
		s.print(secret)
		return nil
	})
}

type webhookChangeCmd struct {
	Service string   `required:"" short:"s" help:"${of_service}"`
	ID      string   `arg:"" help:"${webhook_id}"`
	URL     string   `name:"url" help:"${webhook_new_url}"`
	Types   []string `help:"${webhook_types}"`
}

// Run has events go elsewhere, or tells of others; the secret stays.
func (c webhookChangeCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) (err error) {
		var to webhook.Address // where it is
		if c.URL != "" {
			if to, err = webhook.ParseAddress(c.URL, a.Allowed()); err != nil {
				return err
			}
		}
		err = a.Store.Update(ctx, func(tx *db.Tx) error {
			_, err := webhook.Change(ctx, tx, a.Ring, operator, c.Service, c.ID, to, c.Types)
			return err
		})
		if err == nil {
			s.say("cmd.webhook.changed", "ID", c.ID)
		}
		return err
	})
}

type webhookPauseCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
	ID      string `arg:"" help:"${webhook_id}"`
}

// Run has nothing more sent to an endpoint, until the pause is over.
func (c webhookPauseCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			_, err := webhook.Pause(ctx, tx, operator, c.Service, c.ID)
			return err
		})
		if err == nil {
			s.say("cmd.webhook.paused", "ID", c.ID)
		}
		return err
	})
}

type webhookResumeCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
	ID      string `arg:"" help:"${webhook_id}"`
}

// Run ends a pause.
func (c webhookResumeCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			_, err := webhook.Resume(ctx, tx, operator, c.Service, c.ID)
			return err
		})
		if err == nil {
			s.say("cmd.webhook.resumed", "ID", c.ID)
		}
		return err
	})
}

type webhookRemoveCmd struct {
	Service string `required:"" short:"s" help:"${of_service}"`
	ID      string `arg:"" help:"${webhook_id}"`
}

// Run ends an endpoint with its secrets and what it hasn't taken.
func (c webhookRemoveCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			_, err := webhook.Remove(ctx, tx, operator, c.Service, c.ID)
			return err
		})
		if err == nil {
			s.say("cmd.webhook.removed", "ID", c.ID)
		}
		return err
	})
}
