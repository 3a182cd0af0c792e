package wardkeep

import "time"

// Asking starts a consent request.
type Asking struct {
	Child           string   `json:"child" minLength:"1" maxLength:"260" doc:"the id, or ref: and your own reference"`
	Guardian        string   `json:"guardian,omitempty" maxLength:"40" doc:"the first guardian who may answer if left out"`
	Answers         string   `json:"answers,omitempty" enum:"guardian,minor" doc:"guardian if left out. From 14 to 17 the minor itself answers, and nobody else: your app, in which it is signed in, shows it the URL, and the code of :code. The channel is link"`
	Purposes        []string `json:"purposes,omitempty" maxItems:"100" nullable:"false" doc:"whatever this guardian hasn't answered yet if left out"`
	Channel         string   `json:"channel" enum:"sms,email,link" doc:"link: you hand over the URL, the code or the QR code"`
	Locale          string   `json:"locale" enum:"zh-CN,en"`
	ExternalPayload string   `json:"external_payload,omitempty" maxLength:"4096" doc:"comes back with the request; kept encrypted"`
	ReturnURL       string   `json:"return_url,omitempty" maxLength:"2000" doc:"where the guardian may go afterwards; at one of the charter's return_origins"`
	Nickname        string   `json:"nickname,omitempty" maxLength:"80" doc:"what the guardian calls the child, at most 20 characters: shown to whoever has the link; kept encrypted"`
	TTLSeconds      int64    `json:"ttl_seconds,omitempty" minimum:"60" maximum:"2592000" doc:"7 days if left out; never beyond the life of a child that nobody has answered for"`
}

// ConsentRequest is a request to a guardian, or to a minor itself. URL, Code, QR and AskURL are told
// once, when it is made.
type ConsentRequest struct {
	ID              string       `json:"id" example:"cr_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Child           string       `json:"child"`
	Guardian        string       `json:"guardian"`
	Charter         int64        `json:"charter" doc:"number of the charter that is asked about"`
	Purposes        []string     `json:"purposes" nullable:"false"`
	Channel         string       `json:"channel" enum:"sms,email,link"`
	Locale          string       `json:"locale" enum:"zh-CN,en"`
	State           string       `json:"state" enum:"pending,opened,verified,answered,expired,cancelled"`
	URL             string       `json:"url,omitempty" doc:"where the guardian answers; told once"`
	Code            string       `json:"code,omitempty" doc:"the same, to type; told once"`
	QR              string       `json:"qr,omitempty" doc:"the URL as a data: URL of a PNG; told once"`
	AskURL          string       `json:"ask_url,omitempty" doc:"a page for the child's device that shows URL, Code and QR to the guardian beside it; told once"`
	Sends           int64        `json:"sends" doc:"how often it was sent"`
	Undelivered     *Undelivered `json:"undelivered,omitempty" doc:"the message could not be sent; the request stands and can be sent again"`
	CreatedAt       time.Time    `json:"created_at"`
	ExpiresAt       time.Time    `json:"expires_at"`
	SentAt          time.Time    `json:"sent_at,omitzero"`
	VerifiedAt      time.Time    `json:"verified_at,omitzero"`
	AnsweredAt      time.Time    `json:"answered_at,omitzero"`
	ExternalPayload string       `json:"external_payload,omitempty"`
	ReturnURL       string       `json:"return_url,omitempty"`

	Entry string `json:"-"`
}

// MinorsCode is a one-time code to show to a minor in your app, and nowhere else: it
// shows that who answers is who is signed in there.
type MinorsCode struct {
	Code        string `json:"code" example:"012345"`
	LifeSeconds int64  `json:"life_seconds"`
}

// Undelivered says why a message was not sent.
type Undelivered struct {
	Code   string `json:"code" example:"notify.unavailable"`
	Detail string `json:"detail"`
}

// Outcome forces what becomes of a request of a test service.
type Outcome struct {
	Outcome  string `json:"outcome" enum:"verified,granted,refused"`
	Strength int    `json:"strength,omitempty" minimum:"1" maximum:"4" doc:"how well the guardian is verified: 1 one-time code, if left out; 2 name and number; 3 official identity service; 4 document"`
}

// GuardianRequest is what a guardian gets to see of a request.
type GuardianRequest struct {
	Service    string    `json:"service" doc:"name of the service, in the language of the notice"`
	State      string    `json:"state" enum:"opened,verified,answered"`
	Purposes   []string  `json:"purposes" nullable:"false" doc:"what is asked: each wants a yes or a no"`
	Lang       string    `json:"lang" enum:"zh-CN,en" doc:"of the notice"`
	Notice     *Notice   `json:"notice,omitempty" doc:"left out once the request is answered"`
	NoticeHash string    `json:"notice_hash,omitempty" doc:"to send back with the answer"`
	ExpiresAt  time.Time `json:"expires_at"`
	Needs      int       `json:"needs" doc:"how well the guardian must be verified for a yes to permit all that is asked: 1 one-time code, 2 name and number"`
	Methods    []string  `json:"methods,omitempty" nullable:"false" doc:"beyond a one-time code: number, official, document; those that are offered"`
}

// NameAndNumber is what a guardian types to be verified. It is asked about, and
// not kept.
type NameAndNumber struct {
	Proof  string `json:"proof" minLength:"1" maxLength:"100" doc:"of the verification by a code"`
	Name   string `json:"name" minLength:"1" maxLength:"400" doc:"as in the identity card"`
	Number string `json:"number" minLength:"1" maxLength:"100" doc:"of the resident identity card"`
}

// ProofHeld is what a guardian's browser holds since a code.
type ProofHeld struct {
	Proof string `json:"proof" minLength:"1" maxLength:"100" doc:"of the verification by a code"`
}

// DocumentSent is a document of who the guardian is and that it speaks for the
// child, for two of the staff. It is erased with their decision, or after 7 days.
type DocumentSent struct {
	Proof  string   `json:"proof" minLength:"1" maxLength:"100" doc:"of the verification by a code"`
	Number string   `json:"number,omitempty" maxLength:"100" doc:"of the identity card or passport; typed again later, it shows that the same person came back. Not kept"`
	Pages  []string `json:"pages" minItems:"1" maxItems:"3" nullable:"false" doc:"PNG, JPEG or PDF, in base64, at most 4 MB each"`
}

// Proving is an attempt to prove who a guardian is. Why one failed is not told.
type Proving struct {
	ID        string    `json:"id" example:"ve_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Method    string    `json:"method" enum:"number,official,document"`
	State     string    `json:"state" enum:"started,succeeded,failed,unavailable" doc:"unavailable: the provider was, and no try is lost"`
	Strength  int       `json:"strength" doc:"what an answer with this proof would be worth: 1 one-time code, 2 name and number, 3 official identity service"`
	URL       string    `json:"url,omitempty" doc:"where the guardian goes on, at the official identity service"`
	ExpiresAt time.Time `json:"expires_at" doc:"when the attempt ends by itself"`

	Entry string `json:"-"`
}

// IdentityReport is what the official identity service posts when its guardian is
// done, with the signature of Standard Webhooks. The same once more is taken, and
// changes nothing.
type IdentityReport struct {
	Type         string `json:"type" enum:"identity.result"`
	Verification string `json:"verification"`
	Nonce        string `json:"nonce" doc:"as it was told"`
	Result       string `json:"result" enum:"match,no_match"`
	Adult        bool   `json:"adult" doc:"the person is 18 or older"`
	Reference    string `json:"reference,omitempty" doc:"what the service calls this check: at most 64 letters, digits, . _ : -"`
	Subject      string `json:"subject,omitempty" doc:"what the service calls the person, for good; kept as a keyed hash"`
}

// CodeSent says how long a one-time code is good.
type CodeSent struct {
	Channel     string `json:"channel" enum:"sms,email"`
	LifeSeconds int64  `json:"life_seconds"`
}

// CodeTyped is a one-time code as the guardian typed it.
type CodeTyped struct {
	Code string `json:"code" minLength:"1" maxLength:"40"`
}

// Verified proves for half an hour that the guardian had the code.
type Verified struct {
	Proof string `json:"proof" doc:"keep it in the guardian's browser, and nowhere else"`

	Entry string `json:"-"`
}

// GuardianAnswer is a yes or a no for each purpose that is asked.
type GuardianAnswer struct {
	Proof      string          `json:"proof" minLength:"1" maxLength:"100" doc:"of the verification"`
	Answers    map[string]bool `json:"answers" minProperties:"1" maxProperties:"100" doc:"per purpose; silence is no answer (Article 9)"`
	NoticeHash string          `json:"notice_hash" minLength:"1" maxLength:"64" doc:"of the notice that was on the screen"`
	Lang       string          `json:"lang" enum:"zh-CN,en" doc:"of the notice that was on the screen"`
}

// Withdrawal takes back a consent.
type Withdrawal struct {
	Proof   string `json:"proof" minLength:"1" maxLength:"100" doc:"of a verification after the answer"`
	Purpose string `json:"purpose" minLength:"1" maxLength:"100"`
}

// AskAgain starts a request that the guardian wants, after an answer.
type AskAgain struct {
	Proof    string   `json:"proof" minLength:"1" maxLength:"100" doc:"of a verification after the answer"`
	Purposes []string `json:"purposes,omitempty" maxItems:"100" nullable:"false" doc:"whatever of the answered request this guardian hasn't agreed to if left out"`
}

// AskedAgain leads to a request that a guardian started. Nothing is sent: the
// guardian is there. What waits about the same already is not asked twice: then it
// leads to that, and Entry is empty.
type AskedAgain struct {
	Request   string    `json:"request" example:"cr_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	URL       string    `json:"url" doc:"where the guardian answers; told once"`
	Token     string    `json:"token" doc:"of the URL, for the guardian's side of the API; told once"`
	Purposes  []string  `json:"purposes" nullable:"false"`
	ExpiresAt time.Time `json:"expires_at"`

	Entry string `json:"-"`
}

// Receipt is what a guardian has chosen.
type Receipt struct {
	Request    string          `json:"request"`
	Charter    int64           `json:"charter"`
	AnsweredAt time.Time       `json:"answered_at,omitzero"`
	Answers    []ReceiptAnswer `json:"answers" nullable:"false"`

	Entry string `json:"-"`
}

// ReceiptAnswer is one choice, with its proof from the ledger.
type ReceiptAnswer struct {
	Consent    string    `json:"consent" example:"co_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Purpose    string    `json:"purpose"`
	Granted    bool      `json:"granted"`
	Strength   int       `json:"strength" doc:"how well the guardian was verified: 1 one-time code, 2 name and number, 3 official identity service, 4 document"`
	Unproved   bool      `json:"unproved,omitempty" doc:"granted, and the strength doesn't carry all of it: what leaves the operator or the country waits until the guardian proves more and agrees once more; all of it, where the storage is abroad"`
	Withdrawal bool      `json:"withdrawal,omitempty" doc:"it took a consent back"`
	NoticeHash string    `json:"notice_hash" doc:"of what was shown"`
	Lang       string    `json:"lang" enum:"zh-CN,en"`
	GivenAt    time.Time `json:"given_at"`
	EndedAt    time.Time `json:"ended_at,omitzero" doc:"since when it doesn't stand any more"`
	Entry      string    `json:"entry" doc:"of the ledger"`
	Proof      *Proof    `json:"proof,omitempty" doc:"left out in the second before the entry has its place"`
}
