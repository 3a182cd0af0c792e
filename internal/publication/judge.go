package publication

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/screening"
	"wardkeep/internal/vault"
)

// An Author is who publishes, and to whom.
type Author struct {
	By       gate.Actor // the app that asks, which discloses
	Service  string
	Child    family.ID // whose content it is; empty: nobody's that is held
	Audience string    // who will see it, as the charter names them; empty: anybody
}

// mostAsked bounds the children that are asked about for one content: of a name that more
// share, those behind count as there.
const mostAsked = 1024

// Judge answers about what was read, as of this moment: a value of a child who is gone by
// now counts as nobody's, whether or not its hash is still in a set of this node (Article
// 20). Uses are the disclosures that a verdict to publish rests on: each is to be recorded
// before the answer leaves, see Disclose. Errors: family.ErrNotFound and family.ErrErased,
// of the author.
func (d *Desk) Judge(ctx context.Context, tx *db.Tx, a Author, r *Reading) (out Screened, uses []gate.Use, err error) {
	var by screening.Author
	if a.Child != "" {
		if _, err := family.Find(ctx, tx, a.Service, a.Child); err != nil {
			return out, nil, err
		}
	}
	if err := r.forgetGone(ctx, tx); err != nil {
		return out, nil, err
	}
	for n, id := range r.whose {
		if id == a.Child && id != "" {
			by.Child, by.IsChild = n, true
		}
	}
	if by.IsChild && a.Audience != "" {
		if by.Permits, uses, err = d.permits(ctx, tx, a, r.kindsOf(by.Child)); err != nil {
			return out, nil, err
		}
	}
	if out = r.judge(d.Policy, by); out.Verdict != screening.Publish {
		uses = nil // what is held is disclosed to nobody
	}
	return out, uses, nil
}

// forgetGone takes those children out of what was read who aren't there any more.
func (r *Reading) forgetGone(ctx context.Context, tx *db.Tx) error {
	there := make(map[family.ID]bool) // of whom is asked
	for _, id := range r.whose {
		if id != "" && len(there) < mostAsked {
			there[id] = false
		}
	}
	for some := range slices.Chunk(slices.Collect(maps.Keys(there)), db.Chunk) {
		var page []family.Child
		if err := tx.Together(ctx, family.ReadChildren(&page, some)); err != nil {
			return err
		}
		for _, c := range page {
			there[c.ID] = c.State != family.Erased
		}
	}
	gone := func(n screening.Child) bool {
		id := r.whose[n]
		here, asked := there[id]
		return id == "" || asked && !here
	}
	lists := []*[]screening.Finding{&r.found}
	for i := range r.lines {
		lists = append(lists, &r.lines[i].Findings)
	}
	screening.Forget(gone, lists...)
	return nil
}

// kindsOf returns as what values of a child were found.
func (r *Reading) kindsOf(c screening.Child) (kinds []screening.Kind) {
	note := func(found []screening.Finding) {
		for _, f := range found {
			kinds = append(kinds, f.KindsOf(c)...)
		}
	}
	note(r.found)
	for _, l := range r.lines {
		note(l.Findings)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// permits returns those kinds of which all that is held of the child may be shown to the
// audience (Article 18), for whatever purpose, and the uses that this would be.
func (d *Desk) permits(ctx context.Context, tx *db.Tx, a Author, kinds []screening.Kind) (permitted []screening.Kind, uses []gate.Use, err error) {
	published, err := d.Vault.Gate.Charters.Current(ctx, tx, a.Service)
	if err != nil || published.Charter == nil {
		return nil, nil, err
	}
	child, err := family.Find(ctx, tx, a.Service, a.Child)
	if err != nil {
		return nil, nil, err
	}
	held, err := vault.Holdings(ctx, tx, child)
	if err != nil {
		return nil, nil, err
	}
	var questions []gate.Use
	for _, p := range published.Charter.Purposes {
		audience, ok := p.Audience(a.Audience)
		for _, h := range held {
			if ok && slices.Contains(audience.Items, h.Item) {
				questions = append(questions, gate.Use{Service: a.Service, Child: a.Child, Activity: charter.Disclose, Purpose: p.Name, Items: []string{h.Item}, Party: a.Audience})
			}
		}
	}
	if len(questions) == 0 {
		return nil, nil, nil
	}
	answers, err := d.Vault.Decide(ctx, tx, []vault.Question{{By: a.By, Uses: questions}})
	if err != nil {
		return nil, nil, err
	}
	may := make(map[string]gate.Use) // by item
	for i, u := range questions {
		if answers[0][i].Permitted {
			may[u.Items[0]] = u
		}
	}
	for _, kind := range kinds {
		var mine []gate.Use
		all := true
		for _, h := range held {
			if item, _ := published.Charter.Item(h.Item); string(item.ScreenedAs) != kind.String() {
				continue
			}
			u, ok := may[h.Item]
			mine, all = append(mine, u), all && ok
		}
		if all && len(mine) > 0 {
			permitted, uses = append(permitted, kind), append(uses, mine...)
		}
	}
	return permitted, together(uses), nil
}

// together makes one use of those for one purpose.
func together(uses []gate.Use) (all []gate.Use) {
	slices.SortStableFunc(uses, func(a, b gate.Use) int { return cmp.Compare(a.Purpose, b.Purpose) })
	for _, u := range uses {
		if n := len(all); n > 0 && all[n-1].Purpose == u.Purpose {
			all[n-1].Items = append(all[n-1].Items, u.Items...)
			continue
		}
		all = append(all, u)
	}
	return all
}

// Disclose records that the author's own values are shown, before the verdict leaves
// (Invariant 2). Errors: *gate.Denied, recorded, where a permit has gone meanwhile: then
// nothing is published.
func (d *Desk) Disclose(ctx context.Context, tx *db.Tx, a Author, uses []gate.Use) error {
	for _, u := range uses {
		if _, err := d.Vault.Disclosing(ctx, tx, a.By, u); err != nil {
			return err
		}
	}
	return nil
}
