package transcript

import (
	"encoding/json"
	"time"

	"wardkeep/internal/base/i18n"
)

// PortableFormat is the name of the form of a Portable.
const PortableFormat = "wardkeep.port/1"

// A Portable is what a guardian has handed to somebody of its choice (PIPL 45): the values that
// it chose, for machines, in plain. It says nothing else of anybody: neither whose guardian has
// chosen, nor what else is held, nor who used it. docs/port.md describes it for whoever reads it.
type Portable struct {
	Format   string    `json:"format"`
	Language string    `json:"language"` // of the labels
	Number   string    `json:"number"`   // of the demand
	MadeAt   time.Time `json:"made_at"`
	Entry    string    `json:"entry"` // of the ledger, that records this very file
	Service  Named     `json:"service"`
	Items    []Item    `json:"items"`
	Missing  []Named   `json:"missing"` // that were chosen, and aren't held any more
}

// Text is the file: indented JSON.
func (p Portable) Text(lang i18n.Lang) ([]byte, error) {
	p.Format, p.Language = PortableFormat, string(lang)
	if p.Items == nil {
		p.Items = []Item{}
	}
	if p.Missing == nil {
		p.Missing = []Named{}
	}
	return json.MarshalIndent(p, "", "  ")
}
