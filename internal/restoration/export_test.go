package restoration

import "wardkeep/internal/ledger"

// InParts has at most so many entries about children in memory at once.
func (d Desk) InParts(most int64) Desk {
	d.atOnce = most
	return d
}

// Held returns the children that are in memory at once while these entries are replayed.
func Held(entries []ledger.Placed, most int64) (parts [][]string, err error) {
	g := newGap()
	for _, p := range entries {
		if err := g.survey(p); err != nil {
			return nil, err
		}
	}
	g.divide(most)
	for g.part = range g.parts {
		g.children = make(map[string]*child)
		for _, p := range entries {
			if err := g.read(p); err != nil {
				return nil, err
			}
		}
		part := make([]string, 0, len(g.children))
		for subject := range g.children {
			part = append(part, subject)
		}
		parts = append(parts, part)
	}
	return parts, nil
}
