package gate

import (
	"time"

	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/party"
)

// StoredAbroad reports whether the charter in force says that the items are kept outside the
// country. It isn't the register's to say: the charter is what guardians read.
func (f Facts) StoredAbroad() bool {
	return f.Published.Charter != nil && f.Published.Charter.Storage.Country != charter.Home
}

// stored denies what puts, keeps or opens items abroad, unless the mechanism that the charter
// names for the purpose is on file for the storage, and in its period (edge case 20). That is
// every activity: what is collected or sealed goes there, and what is used, entrusted,
// transferred or disclosed was kept there, and goes on to be.
//
// What brings it home or ends it asks nothing of a mechanism, so that none which has run out
// holds a child's information captive: a guardian looks and takes a copy (DecideAccess),
// everything is erased as ever, and a law or a rescue is served (basis). Nor does the search
// for what would be published, which protects who is stored there (DecideComparing). What a
// guardian has corrected is collected anew, and so it waits: only the operator says that it is a
// correction, and no word of theirs carries anything abroad. Meanwhile nothing that is wrong is
// used, for that waits as well; it can be erased at once, and the demand has its day (Article 19).
func (d *decision) stored(purpose charter.Purpose) {
	if !d.facts.StoredAbroad() {
		return
	}
	p, article := d.facts.Storage, party.Storage.Article()
	if p.ID != party.StorageOf(d.use.Service) {
		p = party.Standing{}
	}
	if p.Halted != "" {
		d.deny(article, "gate.storage_suspended")
	}
	d.abroad(article, purpose, p.Name == "" || p.Country == d.facts.Published.Charter.Storage.Country, p.Mechanism, byStorage)
}

// Keeps reports whether nothing about the storage speaks against the purpose at a moment, for
// whoever shows how things stand.
func Keeps(c *charter.Charter, purpose charter.Purpose, storage party.Standing, now time.Time) bool {
	d := decision{use: Use{Service: storage.Service}, facts: Facts{Now: now, Published: catalog.Published{Charter: c}, Storage: storage}}
	d.stored(purpose)
	return len(d.reasons) == 0
}
