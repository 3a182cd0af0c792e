package verification

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"wardkeep/internal/base/pii"
	"wardkeep/internal/notify"
)

// The questions to a provider.
const (
	QuestionMatch = "identity.match" // do name and number belong to each other?
	QuestionBegin = "identity.begin" // where does the official service begin?
)

// The results.
const (
	ResultMatch   = "match"
	ResultNoMatch = "no_match"
)

// A Question is what a provider is asked.
type Question struct {
	Type         string
	Verification string // "ve_…": the same in every attempt, and all that names anybody here
	Name         pii.Text
	Number       pii.Text
	Callback     string // where the official service reports
	Nonce        string // what its report must repeat
}

// A Reply is what a provider says.
type Reply struct {
	Result    string `json:"result"`
	Adult     bool   `json:"adult"`     // of the official service: the person is 18 or older
	Reference string `json:"reference"` // what the provider calls this check
	Subject   string `json:"subject"`   // of the official service: what it calls the person, for good
	URL       string `json:"url"`       // where the official service's page is
}

// A Provider is who knows more than we do of who somebody is. An error says that
// it could not be asked.
type Provider interface {
	Ask(ctx context.Context, q Question) (Reply, error)
	// Signed reports whether a report is the provider's.
	Signed(header http.Header, body []byte, now time.Time) bool
}

// Webhook returns the provider that answers signed questions at an address: see
// docs/operations.md for what it gets and what it answers.
func Webhook(h *notify.Hook) Provider { return webhook{h} }

type webhook struct{ *notify.Hook }

type questionBody struct {
	Type         string `json:"type"`
	Verification string `json:"verification"`
	Name         string `json:"name,omitempty"`
	Number       string `json:"number,omitempty"`
	Callback     string `json:"callback,omitempty"`
	Nonce        string `json:"nonce,omitempty"`
}

// Ask posts the question and reads the answer.
func (w webhook) Ask(ctx context.Context, q Question) (Reply, error) {
	body, err := json.Marshal(questionBody{q.Type, q.Verification, q.Name.Reveal(), q.Number.Reveal(), q.Callback, q.Nonce})
	if err != nil {
		return Reply{}, ErrProvider
	}
	answer, err := w.Hook.Ask(ctx, q.Verification, body)
	if err != nil {
		return Reply{}, err
	}
	return q.read(answer)
}

// reference is what may be kept of a provider's words: nothing that could be a
// name, and nothing long.
var reference = regexp.MustCompile(`^[0-9A-Za-z._:-]{1,64}$`)

// read takes an answer as it must be. One that isn't says nothing: it is as if
// there were none.
func (q Question) read(answer []byte) (r Reply, err error) {
	if err := json.Unmarshal(answer, &r); err != nil {
		return Reply{}, ErrProvider // what json says may quote it
	}
	if !reference.MatchString(r.Reference) || r.Reference == q.Number.Reveal() {
		r.Reference = ""
	}
	switch q.Type {
	case QuestionMatch:
		if r.Result != ResultMatch && r.Result != ResultNoMatch {
			return Reply{}, ErrProvider
		}
	case QuestionBegin:
		if r.URL == "" || len(r.URL) > 2000 {
			return Reply{}, ErrProvider
		}
	}
	return r, nil
}

// leads reports whether a guardian may be led there: a page of the service that
// the operator named, and no other (no open redirect through a provider).
func (d Desk) leads(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.User == nil && u.Host != "" && slices.Contains(d.Hosts, u.Host)
}
