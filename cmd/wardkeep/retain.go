package main

import (
	"context"
	"strings"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/legal"
)

type retainCmd struct {
	Approve retainApproveCmd `cmd:"" help:"${retain_approve}"`
	List    retainListCmd    `cmd:"" help:"${retain_list}"`
	End     retainEndCmd     `cmd:"" help:"${retain_end}"`
}

type retainApproveCmd struct {
	asStaff      `embed:""`
	Child        string   `placeholder:"ch_…" help:"${retain_child}"`
	Items        []string `required:"" help:"${retain_items}"`
	Basis        string   `required:"" enum:"ecommerce,network_log,service_log,other" help:"${retain_basis}"`
	Number       string   `help:"${retain_number}"`
	DocumentFile string   `required:"" placeholder:"FILE" help:"${retain_document}"`
	Until        string   `required:"" placeholder:"2030-12-31" help:"${retain_until}"`
}

// Run has an officer approve that items are kept (edge case 14). Of the document only its
// hash is kept.
func (c retainApproveCmd) Run(ctx context.Context, s *session) error {
	document, err := hashOf(c.DocumentFile)
	if err != nil {
		return err
	}
	last, err := time.ParseInLocation(time.DateOnly, c.Until, age.Zone)
	if err != nil {
		return legal.ErrUntil.At("until")
	}
	ask := legal.Approval{Service: c.Service, Child: family.ID(c.Child), Items: c.Items, Basis: legal.Basis(c.Basis), Paper: legal.Paper{Number: c.Number, Document: document},
		Until: last.AddDate(0, 0, 1).UTC()}
	return s.on(ctx, func(a *app.App) error {
		var made legal.Approval
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			published, err := catalog.Current(ctx, tx, c.Service)
			if err != nil {
				return err
			}
			declared := func(item string) bool { _, ok := published.Charter.Item(item); return ok }
			made, _, err = legal.Approve(ctx, tx, by, ask, declared)
			return err
		})
		if err == nil {
			s.say("cmd.retain.approved", "ID", made.ID, "Until", s.day(made.Until))
		}
		return err
	})
}

type retainListCmd struct {
	asStaff `embed:""`
}

// Run prints the approvals of a service.
func (c retainListCmd) Run(ctx context.Context, s *session) error {
	return s.view(ctx, func(tx *db.Tx) error {
		if err := c.inOffice(ctx, tx); err != nil {
			return err
		}
		all, err := legal.List(ctx, tx, c.Service)
		if err == nil && len(all) == 0 {
			s.note("cmd.nothing")
		}
		for _, a := range all {
			child, ended := string(a.Child), ""
			if child == "" {
				child = s.lang.T("cmd.retain.every")
			}
			if !a.EndedAt.IsZero() {
				ended = minute(a.EndedAt)
			}
			s.say("cmd.retain.line", "ID", a.ID, "Child", child, "Items", strings.Join(a.Items, ", "), "Basis", a.Basis.Words(s.lang, a.Number),
				"Until", s.day(a.Until), "By", a.ApprovedBy, "Ended", ended)
		}
		return err
	})
}

type retainEndCmd struct {
	asStaff `embed:""`
	ID      string `arg:"" help:"${retain_id}"`
}

// Run has an officer take an approval back.
func (c retainEndCmd) Run(ctx context.Context, s *session) error {
	return s.on(ctx, func(a *app.App) error {
		err := a.Store.Update(ctx, func(tx *db.Tx) error {
			by, err := c.officer(ctx, tx)
			if err != nil {
				return err
			}
			_, err = legal.End(ctx, tx, by, c.Service, c.ID)
			return err
		})
		if err == nil {
			s.say("cmd.retain.ended", "ID", c.ID)
		}
		return err
	})
}
