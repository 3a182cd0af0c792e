package api

import (
	"context"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
)

// noticeView is a notice as it travels. A test holds it to the notice itself.
func noticeView(n charter.NoticeDoc) *wardkeep.Notice {
	v := &wardkeep.Notice{
		Service: n.Service, CharterHash: n.CharterHash, Lang: string(n.Lang), Title: n.Title, Intro: n.Intro, Summary: points(n.Summary),
		Sections: make([]wardkeep.NoticeSection, len(n.Sections)), Purposes: make([]wardkeep.NoticePurpose, len(n.Purposes)),
	}
	for i, s := range n.Sections {
		v.Sections[i] = wardkeep.NoticeSection{Key: s.Key, Basis: s.Basis, Title: s.Title, Points: points(s.Points)}
	}
	for i, p := range n.Purposes {
		q := wardkeep.NoticePurpose{
			Name: p.Name, Label: p.Label, Necessary: p.Necessary, Standing: p.Standing, What: p.What, Why: p.Why, How: p.How,
			Activities: p.Activities, HowLong: p.HowLong, AtExpiry: p.AtExpiry, Where: p.Where, WhoElse: p.WhoElse, IfRefused: p.IfRefused,
			SeparateConsent: p.SeparateConsent, Items: make([]wardkeep.NoticeItem, len(p.Items)),
		}
		for j, it := range p.Items {
			q.Items[j] = wardkeep.NoticeItem{Name: it.Name, Label: it.Label, Sensitivity: it.Sensitivity, Necessity: it.Necessity, Effect: it.Effect}
		}
		v.Purposes[i] = q
	}
	return v
}

func points(all []charter.Point) []wardkeep.NoticePoint {
	v := make([]wardkeep.NoticePoint, len(all))
	for i, p := range all {
		v[i] = wardkeep.NoticePoint{Label: p.Label, Text: p.Text}
	}
	return v
}

// getCharter returns what is published: the notice that guardians read.
func getCharter(s *Server, ctx context.Context, c *call, in *langInput) (answer[wardkeep.Charter], error) {
	var out answer[wardkeep.Charter]
	lang := charter.Lang(in.Lang)
	if lang == "" {
		lang = charter.Lang(c.lang)
	}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		p, err := s.Charters.Current(ctx, tx, c.app.Service)
		if err != nil {
			return err
		}
		notice, err := charter.Notice(p.Charter, lang)
		if err != nil {
			return err
		}
		out.Body = wardkeep.Charter{
			Service: c.app.Service, Number: p.Number, Hash: p.Hash, Lang: string(lang), Notice: *noticeView(notice), NoticeHash: notice.Hash(),
		}
		return nil
	})
	return out, err
}
