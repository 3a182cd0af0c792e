package replay

// A seated account holds an office for a time.
type seated struct {
	person, office string
	from, until    int64 // 0: it does still
}

// A terminally published charter came into force at the terminal, while these held the
// offices.
type terminally struct {
	source
	at              int64
	officer, deputy string
}

// seat keeps that an account holds an office, or none any more.
func (in *insiders) seat(person, office string, at int64, holds bool) {
	if holds {
		in.seats = append(in.seats, seated{person, office, at, 0})
		return
	}
	for i, s := range in.seats {
		if s.person == person && (s.office == office || office == "") && s.until == 0 {
			in.seats[i].until = at
		}
	}
}

// checkTerminal holds that nothing comes into force at the terminal while somebody in
// office has an account (Article 8). Between persons and services there is no order of
// entries, so what happened within as much as clocks may differ counts as either.
func (f *fold) checkTerminal() {
	for _, t := range f.inside.terminal {
		for _, s := range f.inside.seats {
			if (s.office == t.officer || s.office == t.deputy) && s.from < t.at-2*slack && (s.until == 0 || s.until > t.at+2*slack) {
				f.blame(t.source, impossible(ruleApproval))
				break
			}
		}
	}
}
