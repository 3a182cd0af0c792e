package api

import (
	"context"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/register"
)

type registerInput struct {
	Lang string `query:"lang" enum:"zh-CN,en" doc:"of the register"`
}

// getRegister returns the register of processing activities (Article 3), as the charter in
// force has it at this moment.
func getRegister(s *Server, ctx context.Context, c *call, in *registerInput) (answer[wardkeep.ProcessingRegister], error) {
	var out answer[wardkeep.ProcessingRegister]
	lang := i18n.Lang(in.Lang)
	if lang == "" {
		lang = c.lang
	}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		r, err := register.Read(ctx, tx, s.Charters, c.app.Service, lang)
		if err == nil {
			err = s.registered.Count(ctx, tx, &r)
		}
		if err != nil {
			return err
		}
		out.ETag = r.Tag()
		if matches(c.header("If-None-Match"), out.ETag) {
			out.NotModified = true
			return nil
		}
		out.Body = registerView(r, lang)
		return nil
	})
	return out, err
}

func registerView(r register.Register, lang i18n.Lang) wardkeep.ProcessingRegister {
	v := wardkeep.ProcessingRegister{
		Service: r.Service, Name: r.Name, Lang: string(lang), Charter: r.Charter, Hash: r.Hash, Since: r.Since, CountedAt: r.CountedAt,
		Operator:   wardkeep.RegisterOperator(r.Operator),
		Safeguards: r.Safeguards, Processors: parties(r.Processors), Recipients: parties(r.Recipients),
		Purposes: make([]wardkeep.RegisterPurpose, len(r.Purposes)),
	}
	for i, p := range r.Purposes {
		q := wardkeep.RegisterPurpose{Purpose: p.Name, Label: p.Label, Why: p.Why, Manner: p.Manner, Necessary: p.Necessary, Basis: p.Basis,
			HowLong: p.HowLong, AtExpiry: p.AtExpiry, Ended: p.Ended, Children: p.Children, Activities: make([]wardkeep.RegisterActivity, len(p.Activities))}
		for j, a := range p.Activities {
			q.Activities[j] = wardkeep.RegisterActivity{Activity: string(a.Does), Channel: a.Channel, Party: a.Party, Contact: a.Contact, Where: a.Where, Country: a.Country, Items: a.Items}
		}
		v.Purposes[i] = q
	}
	return v
}

func parties(all []register.Party) []wardkeep.RegisterParty {
	v := make([]wardkeep.RegisterParty, len(all))
	for i, p := range all {
		v[i] = wardkeep.RegisterParty{Name: p.Name, Label: p.Label, Contact: p.Contact, Country: p.Country, What: p.What, Items: p.Items, Purposes: p.Purposes, GetsNothing: p.Nothing}
	}
	return v
}
