package notify

import "strings"

// Breach tells a guardian of an incident that has reached its child, and through it the child
// (Article 21): in the three parts that PIPL 57 wants. A text message says that there was one, and
// where to read of it.
type Breach struct {
	Service  string
	What     string // kinds of information
	Cause    string
	Harm     string
	Remedies string
	Advice   string
	Contact  string
	Child    string // for the child
	Link     string // where the same can be read
}

// Message writes it.
func (b Breach) Message(to To) Message {
	return write(to, KindBreach, b.Link, "Service", line(b.Service), "What", text(b.What), "Cause", text(b.Cause), "Harm", text(b.Harm),
		"Remedies", text(b.Remedies), "Advice", text(b.Advice), "Contact", text(b.Contact), "Child", text(b.Child))
}

// text keeps the lines of what an operator wrote, and no empty one among them: those part the
// paragraphs of a message.
func text(s string) string {
	var all []string
	for l := range strings.Lines(s) {
		if l = line(l); l != "" {
			all = append(all, l)
		}
	}
	return strings.Join(all, "\n")
}
