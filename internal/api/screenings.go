package api

import (
	"context"
	"encoding/base64"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/gate"
	"wardkeep/internal/publication"
)

type screenInput struct{ Body wardkeep.NewScreening }

// screen looks at what is about to be published (Article 4). Its answer says where
// something stands, and neither what nor whose, and is kept nowhere.
func screen(s *Server, ctx context.Context, c *call, in *screenInput) (answer[wardkeep.Screening], error) {
	var out answer[wardkeep.Screening]
	// Reading is work, and who asks without end learns what is held, a guess at a time.
	if err := s.limits.screens.limit(c.w.Header(), "screening", c.app.ID, time.Now()); err != nil {
		return out, err
	}
	content := publication.Content{Text: pii.New(in.Body.Text)}
	if in.Body.Image != "" {
		picture, err := base64.StdEncoding.Strict().DecodeString(in.Body.Image)
		if err != nil {
			return out, publication.ErrPicture.At("image")
		}
		content.Picture = picture
	}
	read, err := s.Publication.Read(ctx, c.app.Service, content)
	if err != nil {
		return out, err
	}
	if err := s.counted(ctx, c, read.Hits()); err != nil {
		return out, err
	}
	got, err := s.judged(ctx, c, in.Body, read)
	if err == nil {
		out.Body = screened(got)
	}
	return out, err
}

// counted counts what was found of held children, and records that it is much, before
// anything is told of it.
func (s *Server) counted(ctx context.Context, c *call, hits int) error {
	alarms, spent := s.Publication.Quota.Count(c.app.ID, hits, s.Store.Now())
	if len(alarms) > 0 {
		if err := s.Store.Update(ctx, func(tx *db.Tx) error { return publication.Raise(ctx, tx, c.app, alarms) }); err != nil {
			s.Publication.Quota.Again(c.app.ID)
			return err
		}
	}
	if spent {
		return publication.ErrQuota
	}
	return nil
}

// judged answers about what was read. What of the author's own is published is recorded
// before the answer leaves (Invariant 2).
func (s *Server) judged(ctx context.Context, c *call, in wardkeep.NewScreening, read *publication.Reading) (got publication.Screened, err error) {
	a := publication.Author{By: c.by, Service: c.app.Service, Audience: in.Audience}
	var uses []gate.Use
	if err := s.Store.View(ctx, func(tx *db.Tx) (err error) {
		if in.Child != "" {
			if a.Child, err = s.childID(ctx, tx, c.app.Service, in.Child); err != nil {
				return err
			}
		}
		got, uses, err = s.Publication.Judge(ctx, tx, a, read)
		return err
	}); err != nil || len(uses) == 0 {
		return got, err
	}
	return got, s.Store.Update(ctx, func(tx *db.Tx) error { return s.Publication.Disclose(ctx, tx, a, uses) })
}

func screened(got publication.Screened) wardkeep.Screening {
	out := wardkeep.Screening{Verdict: got.Verdict.String(), Masked: got.Masked, Findings: []wardkeep.Finding{}, Hidden: []wardkeep.Hidden{}}
	for _, f := range got.Findings {
		out.Findings = append(out.Findings, wardkeep.Finding{Kind: f.Kind.String(), Start: f.Start, End: f.End, StartChar: f.FromRune, EndChar: f.Upto,
			Mask: f.Mask, Verdict: f.Verdict.String()})
	}
	for _, l := range got.Lines {
		line := wardkeep.Hidden{Tag: l.Tag, Verdict: l.Verdict.String(), Kinds: []string{}}
		for _, k := range l.Kinds {
			line.Kinds = append(line.Kinds, k.String())
		}
		out.Hidden = append(out.Hidden, line)
	}
	return out
}
