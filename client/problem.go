package wardkeep

import (
	"strconv"
	"strings"
)

// Problem is a refusal (RFC 9457). It never holds a value that was sent.
//
// errors.Is compares codes: a denial of the gate is ErrDenied, and each of the
// errors that one of its reasons names.
type Problem struct {
	Type      string   `json:"type" doc:"where the code is explained"`
	Title     string   `json:"title"`
	Status    int      `json:"status" doc:"the HTTP status"`
	Code      string   `json:"code" doc:"stable; for programs" example:"gate.denied"`
	Detail    string   `json:"detail" doc:"for people, in the language of Accept-Language"`
	Field     string   `json:"field,omitempty" doc:"the input at fault, without its value" example:"guardian.phone"`
	RequestID string   `json:"request_id" doc:"ties the answer to the operator's log"`
	Reasons   []Reason `json:"reasons,omitempty" doc:"of a denial of the gate: every reason, not the first"`

	Checks []HealthCheck `json:"checks,omitempty" doc:"of the health of the server: which check fails"`
}

// Reason is one reason of the gate against a use.
type Reason struct {
	Code    string `json:"code" example:"gate.consent_missing"`
	Article string `json:"article" doc:"of the Provisions" example:"9"`
	Item    string `json:"item,omitempty" doc:"the item at fault; ?1, ?2 … stand for names that the charter doesn't have"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy" doc:"what to do"`
}

// Error returns the code, the detail, and the codes of the reasons.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString("wardkeep: " + p.Code)
	if p.Code == "" {
		b.WriteString("HTTP " + strconv.Itoa(p.Status))
	}
	if p.Field != "" {
		b.WriteString(" at " + p.Field)
	}
	for i, r := range p.Reasons {
		b.WriteString([]string{": ", ", "}[min(i, 1)] + r.Code)
	}
	if p.Detail != "" {
		b.WriteString(": " + p.Detail)
	}
	if p.RequestID != "" {
		b.WriteString(" (" + p.RequestID + ")")
	}
	return b.String()
}

// Is reports whether target is a Problem with the same code, or with the code
// of one of p's reasons.
func (p *Problem) Is(target error) bool {
	t, ok := target.(*Problem)
	if !ok {
		return false
	}
	if t.Code == p.Code {
		return true
	}
	for _, r := range p.Reasons {
		if r.Code == t.Code {
			return true
		}
	}
	return false
}

// Has reports whether the gate gave this reason.
func (p *Problem) Has(code string) bool { return p.Is(&Problem{Code: code}) }

// Refusals that programs ask for with errors.Is. For any other code, compare
// with &Problem{Code: "…"}.
var (
	ErrDenied            = &Problem{Code: "gate.denied"}
	ErrConsentMissing    = &Problem{Code: "gate.consent_missing"}
	ErrConsentRefused    = &Problem{Code: "gate.consent_refused"}
	ErrConsentWithdrawn  = &Problem{Code: "gate.consent_withdrawn"}
	ErrConsentStale      = &Problem{Code: "gate.consent_stale"}
	ErrItemNotInPurpose  = &Problem{Code: "gate.item_not_in_purpose"}
	ErrValueExpired      = &Problem{Code: "gate.value_expired"}
	ErrNotAChild         = &Problem{Code: "gate.not_a_child"}
	ErrFrozen            = &Problem{Code: "gate.frozen"}
	ErrScopeMissing      = &Problem{Code: "api.scope_missing"}
	ErrChildNotFound     = &Problem{Code: "family.not_found"}
	ErrChildErased       = &Problem{Code: "family.erased"}
	ErrRefTaken          = &Problem{Code: "family.ref_taken"}
	ErrNeedsDocument     = &Problem{Code: "family.birth_needs_document"}
	ErrDisputed          = &Problem{Code: "gate.disputed"}
	ErrEventUnknown      = &Problem{Code: "vault.event_unknown"}
	ErrChanged           = &Problem{Code: "api.precondition_failed"}
	ErrKeyRefused        = &Problem{Code: "account.key_refused"}
	ErrTooManyRequests   = &Problem{Code: "api.too_many_requests"}
	ErrOverQuota         = &Problem{Code: "api.party_quota"}
	ErrIdempotencyReused = &Problem{Code: "account.idempotency_reused"}
)
