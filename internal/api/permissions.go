package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/border"
	"wardkeep/internal/charter"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/party"
)

// getPermissions says, per purpose and activity, what may be done about a child
// now. Nothing is released or recorded.
func getPermissions(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Permissions], error) {
	var out answer[wardkeep.Permissions]
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		id, err := s.childID(ctx, tx, c.app.Service, c.param("child"))
		if err != nil {
			return err
		}
		l, err := s.Vault.Gate.Load(ctx, tx, c.app.Service, id)
		if err != nil {
			return err
		}
		child, err := l.Child(c.app.Service)
		if err != nil {
			return err
		}
		f := l.Facts(tx.Now(), nil)
		var parties []party.Standing
		if charter := f.Published.Charter; charter != nil && (len(charter.Processors)+len(charter.Recipients) > 0 || f.StoredAbroad() || c.by.Abroad()) {
			if err := tx.Together(ctx, party.ReadAll(&parties, c.app.Service)); err != nil {
				return err
			}
		}
		if gate.MayCross(f.Published.Charter) {
			if f.Border, err = border.Read(ctx, tx, child.ID); err != nil {
				return err
			}
		}
		out.ETag = permissionsTag(c, f, parties)
		if matches(c.header("If-None-Match"), out.ETag) {
			out.NotModified = true
			return nil
		}
		out.Body = wardkeep.Permissions{
			Child: string(child.ID), Age: string(f.Age), State: string(child.State), Charter: f.Service.Charter, Purposes: []wardkeep.PurposePermission{},
		}
		if f.Published.Charter == nil {
			return nil
		}
		for _, p := range f.Published.Charter.Purposes {
			out.Body.Purposes = append(out.Body.Purposes, permission(c, f, parties, p))
		}
		return nil
	})
	return out, err
}

func permission(c *call, f gate.Facts, parties []party.Standing, p charter.Purpose) wardkeep.PurposePermission {
	v := wardkeep.PurposePermission{
		Purpose: p.Name, Label: p.Label.In(charter.Lang(c.lang)), Necessary: p.Necessary, ManagedBy: "guardian", Items: p.Items,
		Activities: []wardkeep.ActivityPermission{},
	}
	if f.Age != age.Child {
		v.ManagedBy = "self" // edge case 4
	}
	may := func(a charter.Activity, to string, items []string) {
		u := gate.Use{Service: f.Service.Name, Child: f.Child.ID, Activity: a, Purpose: p.Name, Items: items, Party: to}
		_, denials := gate.Decide(f.Among(parties, c.by, u), c.by, u)
		v.Activities = append(v.Activities, wardkeep.ActivityPermission{
			Activity: string(a), Party: to, Permitted: len(denials) == 0, Reasons: reasons(c.lang, denials),
		})
	}
	for _, a := range p.Activities {
		switch a {
		case charter.Entrust:
			for _, to := range p.Processors {
				may(a, to, f.Published.Charter.Entrusted(p.Name, to))
			}
		case charter.Transfer:
			for _, to := range p.Recipients {
				may(a, to, f.Published.Charter.Transferred(p.Name, to))
			}
		case charter.Disclose:
			for _, audience := range p.Audiences {
				may(a, audience.Name, audience.Items)
			}
		default:
			may(a, "", p.Items)
		}
	}
	return v
}

// permissionsTag is the ETag of permissions. They are a function of the versions
// of child and service, the age class, whether a short life is over, or the window of a
// takeover, whether one child more may cross a border without an assessment, which papers of the
// parties hold, who asks and in which language; and of nothing else.
func permissionsTag(c *call, f gate.Facts, parties []party.Standing) string {
	over := !f.Child.ExpiresAt.IsZero() && !f.Now.Before(f.Child.ExpiresAt)
	expired := !c.app.ExpiresAt.IsZero() && !f.Now.Before(c.app.ExpiresAt)
	succeeds := f.Service.Successor.Open(f.Now)
	phases := make([]party.Phase, 0, len(parties))
	for _, p := range parties {
		phases = append(phases, p.Phase(f.Now))
	}
	text := fmt.Sprintf("%s %d %d %s %t %t %t %t %v %s %s %s", f.Child.ID, f.Child.Version, f.Service.Version, f.Age, over, expired, succeeds, f.Border.Assessed(),
		phases, c.app.ID, c.app.Scopes, c.lang)
	sum := sha256.Sum256([]byte(text))
	return `"p` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// matches reports whether a list of ETags has this one (RFC 9110, section
// 13.1.2: the comparison is weak).
func matches(list, tag string) bool {
	for _, t := range strings.Split(list, ",") {
		t = strings.TrimSpace(t)
		if t == "*" || strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}
