package console

import (
	"context"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/staff"
	"wardkeep/internal/webhook"
)

// A knownSecret is one that a person was shown and that is good: the key of an app, or the secret of
// a receiver. It is said which, and never what it is.
type knownSecret struct {
	Kind    string // app, webhook
	Name    string
	Service string
	To      string // where it is replaced
}

// maxKnown is how many of each kind the page of a person lists; as those are replaced, others follow.
const maxKnown = 100

// secretPath is the page on which the key of an app, or the secret of a receiver, is replaced.
func secretPath(service, what string) string {
	if id.Is(id.Webhook, what) {
		return servicePath(service) + "/webhooks/" + what
	}
	return servicePath(service) + "/apps/" + what
}

// knownTo lists what a person knows of the services whose set-up whoever looks may see. Article 15: it is
// replaced the day they leave, since it stays good without them.
func (v *visit) knownTo(ctx context.Context, tx *db.Tx, p staff.Person) (all []knownSecret, err error) {
	apps, err := account.KnownTo(ctx, tx, p.ID, maxKnown)
	if err != nil {
		return nil, err
	}
	add := func(kind, name, service, what string) {
		if v.in.Person.May(staff.SeeSystem, service) {
			all = append(all, knownSecret{kind, name, service, secretPath(service, what)})
		}
	}
	for _, a := range apps {
		add("app", a.Name, a.Service, a.ID)
	}
	hooks, err := webhook.KnownTo(ctx, tx, p.ID, maxKnown)
	for _, h := range hooks {
		add("webhook", h.Endpoint, h.Service, h.Endpoint)
	}
	return all, err
}
