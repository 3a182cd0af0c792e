// Package receipt gives guardians evidence of what they chose (Articles 9 and
// 10) and of what was erased (Article 20): a consent record, and a certificate, that
// anybody checks without this server.
//
// Its one invariant: a record says nothing that it doesn't prove, but for the
// few fields that Verify names. It is computed from ledger entries, each with its
// inclusion proof, and from the notice whose hash these entries carry; Verify
// computes it again and compares.
package receipt

import (
	"bytes"
	"encoding/json"

	"wardkeep/internal/base/errs"
)

// What can be wrong with a record that is asked for, or read.
var (
	ErrNotYet = errs.New(errs.Conflict, "receipt.not_yet") // an answer has no place in the ledger yet: ask again in a second
	ErrFormat = errs.New(errs.Invalid, "receipt.format")   // not a record
)

// The names of what a Record is after.
const (
	vocabulary = "https://w3id.org/dpv"                         // the W3C Data Privacy Vocabulary; its terms have the prefix dpv
	schema     = "https://w3id.org/dpv/schema/iso-27560#record" // its profile of ISO/IEC TS 27560:2023
	kind       = "dpv:ConsentRecord"
	proofs     = "RFC 6962 inclusion proofs, C2SP tlog-checkpoint"
)

// The states of an Event.
const (
	Given     = "dpv:ConsentGiven"
	Refused   = "dpv:ConsentRefused"
	Withdrawn = "dpv:ConsentWithdrawn"
)

// A Record is a consent record after ISO/IEC TS 27560:2023, in the W3C Data
// Privacy Vocabulary's profile of it: what one guardian answered to one request.
// Names of vocabularies are names only, nothing is loaded. It names nobody.
type Record struct {
	Context    string       `json:"@context"`
	Type       string       `json:"@type"`
	Schema     string       `json:"schema_version"`
	ID         string       `json:"record_id"`        // the request, "cr_…"
	Principal  string       `json:"pii_principal_id"` // the child's pseudonym in the ledger, "su_…"
	Service    string       `json:"service"`
	Notice     Notice       `json:"privacy_notice"`
	Processing []Processing `json:"pii_processing"` // one per purpose that was asked
	Withdrawal string       `json:"withdrawal_method"`
	Parties    []Party      `json:"party_identification"`
	Proof      Proof        `json:"proof"`
}

// A Notice is what the guardian was shown (Article 10).
type Notice struct {
	Hash     string `json:"sha256"`
	Version  int64  `json:"version"` // the number of the charter
	Charter  string `json:"charter_sha256"`
	Language string `json:"language"`
	Shown    string `json:"shown_at"`
	Channel  string `json:"shown_on"`
	Link     string `json:"link"`
	Document string `json:"document"` // the notice itself, the text that Hash is of
}

// A Processing is what was answered about one purpose, in the words of the notice.
type Processing struct {
	Purpose    string  `json:"purpose_id"`
	Label      string  `json:"purpose"`
	Why        string  `json:"purpose_description"`
	Necessary  bool    `json:"necessary"`
	Separate   bool    `json:"separate_consent"`
	Basis      string  `json:"lawful_basis"`
	Items      []Item  `json:"pii_information"`
	Activities string  `json:"processing"`
	Method     string  `json:"processing_method"`
	Storage    string  `json:"storage_location"`
	Retention  string  `json:"retention_period"`
	AtExpiry   string  `json:"after_retention"`
	Recipients string  `json:"recipients"`      // processors, third parties and audiences
	ReadFrom   string  `json:"access_location"` // the countries from which it is read, by whomever (Article 3)
	IfRefused  string  `json:"consequences_of_refusal"`
	Events     []Event `json:"events"` // the answer and, if it has ended since, what ended it
}

// An Item is a category of information.
type Item struct {
	Name        string `json:"pii_type"`
	Label       string `json:"pii_label"`
	Sensitivity string `json:"sensitivity"`
}

// An Event is one thing that the guardian did.
type Event struct {
	State    string `json:"event_state"` // Given, Refused, Withdrawn
	Type     string `json:"event_type"`
	Time     string `json:"event_time"`
	Duration string `json:"validity_duration,omitempty"` // of what was given
	Entity   string `json:"entity_type"`                 // "Guardian", "DataSubject" for a minor itself, or "Test" where an app played either
	EntityID string `json:"entity_id"`                   // "gu_…"
	Strength int    `json:"entity_verification"`         // as how strongly verified: see family.Strength
	ID       string `json:"event_id"`                    // "co_…"
	Entry    string `json:"ledger_entry"`                // "le_…"
	Index    int64  `json:"ledger_index"`
}

// A Party is who runs the service, or works or receives for a purpose.
type Party struct {
	ID       string   `json:"party_id"`
	Type     string   `json:"party_type"` // dpv:DataController, dpv:DataProcessor, dpv:ThirdParty
	Name     string   `json:"party_name"`
	Address  string   `json:"party_address,omitempty"`
	Country  string   `json:"party_country,omitempty"`
	Contact  []string `json:"party_contact"`
	Purposes []string `json:"purposes,omitempty"` // names; the operator's are all
}

// A Proof is what the rest is computed from, beside the notice.
type Proof struct {
	Type       string  `json:"type"`
	Key        string  `json:"verifier_key"` // of the ledger; believe it only from elsewhere
	Checkpoint string  `json:"checkpoint"`   // signed
	Entries    []Entry `json:"entries"`
}

// An Entry is an entry of the ledger with its inclusion proof in the tree of the
// checkpoint.
type Entry struct {
	Index  int64    `json:"index"`
	Leaf   string   `json:"leaf"`   // the very bytes that are hashed
	Hashes []string `json:"hashes"` // base64
}

// JSON returns the record as a file.
func (r Record) JSON() ([]byte, error) { return file(r) }

func file(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
