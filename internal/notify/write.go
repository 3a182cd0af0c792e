package notify

import (
	"bytes"
	_ "embed"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
)

// The kinds of messages. Each has its row in wordings.
const (
	KindRequest    = "consent.request"
	KindAgain      = "consent.asked_again" // after a material change
	KindCode       = "consent.code"
	KindReceipt    = "consent.receipt"
	KindRefusal    = "consent.refusal" // of everything: nothing is kept
	KindWithdrawal = "consent.withdrawal"

	KindDisputed   = "child.disputed"
	KindSettled    = "child.settled"
	KindCorrected  = "child.corrected"
	KindTurning    = "child.turning_14"
	KindTurned     = "child.turned_14"
	KindGrown      = "child.turned_18"
	KindInactive   = "child.inactive" // nobody uses it: it is erased on a day
	KindIdleErased = "child.inactive_erased"
	KindErased     = "child.erased"
	KindErasedKept = "child.erased_kept" // … but for what a law demands to keep
	KindUnanswered = "child.unanswered"  // nobody answered in time: erased

	KindGuardianAdded   = "guardian.added"            // to the others
	KindContactAdded    = "guardian.contact_added"    // one who can't be a guardian; to the guardians
	KindGuardianRemoved = "guardian.removed"          // to the others
	KindReleased        = "guardian.released"         // to the one who is none any more
	KindUnverified      = "guardian.unverified"       // to the one whose proof was taken back
	KindOtherUnverified = "guardian.other_unverified" // to the others
	KindProofExpired    = "guardian.proof_expired"

	KindDocumentAccepted = "document.accepted"
	KindDocumentRefused  = "document.refused"
	KindDocumentExpired  = "document.expired" // nobody decided about it
	KindIdentityAccepted = "identity.accepted"
	KindIdentityRefused  = "identity.refused"

	KindErasureAsked   = "request.erasure_asked" // by the child alone, or by somebody who is no guardian
	KindErasureKept    = "request.erasure_kept"  // a guardian wants to keep what is held; to the others
	KindDemandReceived = "request.received"
	KindDemandExtended = "request.extended"
	KindDemandDone     = "request.done"
	KindDemandRefused  = "request.refused"
	KindAnswerReady    = "request.answer_ready" // what is held, or a copy of it, is at home
	KindCopyTaken      = "request.copy_taken"   // a guardian has saved a file with everything; to all

	KindPortAsked   = "request.port_asked"   // a guardian hands a copy to somebody of its choice; to the others
	KindPortTaken   = "request.port_taken"   // … who has fetched it; to all
	KindPortEnded   = "request.port_ended"   // … and can't fetch it any more; to all but who did that at home
	KindPortCode    = "request.port_code"    // shows that the guardian itself wants it
	KindPortAddress = "request.port_address" // to who fetches it, by e-mail: where, and without the code

	KindDisclosedLaw  = "child.disclosed_law"  // something went to an authority, on a law; to all
	KindDisclosedLife = "child.disclosed_life" // … to who rescues, without a guardian's yes

	KindCeasing        = "service.ceasing"         // the service ends
	KindPurposeCeasing = "service.purpose_ceasing" // one purpose of it does
	KindCeased         = "service.ceased"          // and all about the child was erased with it

	KindTakeover        = "service.takeover"         // the service ends, somebody takes it over, and the guardian is asked
	KindTakeoverUnasked = "service.takeover_unasked" // … and isn't asked: it said no before, or the minor is
	KindCeasedHanded    = "service.ceased_handed"    // erased, after something went to who takes over
	KindCeasedRecalled  = "service.ceased_recalled"  // … on a yes that doesn't stand any more
	KindCeasedUnhanded  = "service.ceased_unhanded"  // erased, and nothing went there

	KindBreach = "incident.notice" // something has happened to what is held of the child, or may have

	KindHomeCode     = "home.code" // signs a guardian in
	KindSignedIn     = "home.signed_in"
	KindPasskeyAdded = "home.passkey_added"

	KindAlarm = "staff.alarm" // to officer and deputy, by e-mail
	KindMoved = "staff.moved" // to where alarms were sent until now
	KindSeat  = "party.seat"  // to a person of a processor or recipient, with the link by which it sets up how to sign in
	KindOwes  = "party.owes"  // to a processor or recipient that owes something, where the operator reaches it

	KindTest = "channel.test" // to somebody of the operator's own, who has asked for it
)

// A wording is where the words of a kind are: notify.<words>.sms, .subject and
// .email, and beneath every e-mail notify.why.<why>. Nobody can unsubscribe from
// any of them, and each e-mail says so and why.
type wording struct{ words, why string }

// Why a message comes.
const (
	whyAsked  = "asked"  // nothing is used before a guardian was asked (Article 9)
	whyCode   = "code"   // somebody has asked for it
	whyTold   = "told"   // it is about what the guardian decides
	whyLast   = "last"   // so it is, and nothing comes after it
	whySafe   = "safe"   // somebody else may have got in
	whyOffice = "office" // it is for whoever holds the office to look at
	whyMoved  = "moved"  // alarms were sent there, and aren't any more
	whySeat   = "seat"   // somebody in office has invited whoever reads there
	whyOwes   = "owes"   // the operator reaches a processor or recipient there
	whyPort   = "port"   // a guardian has named whoever reads there
	whyBreach = "breach" // the law wants them to be told (Article 21)
	whyTest   = "test"   // somebody tries whether messages arrive
)

var wordings = map[string]wording{
	KindRequest:    {"request", whyAsked},
	KindAgain:      {"again", whyAsked},
	KindCode:       {"code", whyCode},
	KindReceipt:    {"receipt", whyTold},
	KindRefusal:    {"refusal", whyLast},
	KindWithdrawal: {"withdrawal", whyTold},

	KindDisputed:   {"disputed", whyTold},
	KindSettled:    {"settled", whyTold},
	KindCorrected:  {"corrected", whyTold},
	KindTurning:    {"turning", whyTold},
	KindTurned:     {"turned", whyTold},
	KindGrown:      {"grown", whyLast},
	KindInactive:   {"inactive", whyTold},
	KindIdleErased: {"inactive_erased", whyLast},
	KindErased:     {"erased", whyLast},
	KindErasedKept: {"erased_kept", whyLast},
	KindUnanswered: {"unanswered", whyLast},

	KindGuardianAdded:   {"guardian_added", whyTold},
	KindContactAdded:    {"contact_added", whyTold},
	KindGuardianRemoved: {"guardian_removed", whyTold},
	KindReleased:        {"released", whyLast},
	KindUnverified:      {"unverified", whyTold},
	KindOtherUnverified: {"other_unverified", whyTold},
	KindProofExpired:    {"proof_expired", whyTold},

	KindDocumentAccepted: {"document_accepted", whyTold},
	KindDocumentRefused:  {"document_refused", whyTold},
	KindDocumentExpired:  {"document_expired", whyTold},
	KindIdentityAccepted: {"identity_accepted", whyTold},
	KindIdentityRefused:  {"identity_refused", whyTold},

	KindErasureAsked:   {"erasure_asked", whyTold},
	KindErasureKept:    {"erasure_kept", whyTold},
	KindDemandReceived: {"demand_received", whyTold},
	KindDemandExtended: {"demand_extended", whyTold},
	KindDemandDone:     {"demand_done", whyTold},
	KindDemandRefused:  {"demand_refused", whyTold},
	KindAnswerReady:    {"answer_ready", whyTold},
	KindCopyTaken:      {"copy_taken", whyTold},

	KindPortAsked:   {"port_asked", whyTold},
	KindPortTaken:   {"port_taken", whyTold},
	KindPortEnded:   {"port_ended", whyTold},
	KindPortCode:    {"port_code", whyCode},
	KindPortAddress: {"port_address", whyPort},

	KindDisclosedLaw:  {"disclosed_law", whyTold},
	KindDisclosedLife: {"disclosed_life", whyTold},

	KindCeasing:        {"ceasing", whyTold},
	KindPurposeCeasing: {"purpose_ceasing", whyTold},
	KindCeased:         {"ceased", whyLast},

	KindTakeover:        {"takeover", whyAsked},
	KindTakeoverUnasked: {"takeover_unasked", whyTold},
	KindCeasedHanded:    {"ceased_handed", whyLast},
	KindCeasedRecalled:  {"ceased_recalled", whyLast},
	KindCeasedUnhanded:  {"ceased_unhanded", whyLast},

	KindBreach: {"breach", whyBreach},

	KindHomeCode:     {"home_code", whyCode},
	KindSignedIn:     {"signed_in", whySafe},
	KindPasskeyAdded: {"passkey_added", whySafe},

	KindAlarm: {"alarm", whyOffice},
	KindMoved: {"moved", whyMoved},
	KindSeat:  {"seat", whySeat},
	KindOwes:  {"owes", whyOwes},

	KindTest: {"test", whyTest},
}

// A To is the person a message is for, and how that person knows it is ours.
type To struct {
	Channel Channel
	Address pii.Text
	Lang    i18n.Lang
	Site    string // the public URL: what every link of ours begins with, as every message says
}

// write fills the words of a message: a subject and paragraphs for e-mail, one
// line for SMS. The link, if there is one, is a paragraph of its own.
func write(to To, kind, link string, pairs ...any) Message {
	w := wordings[kind]
	pairs = append(pairs, "Link", link, "Site", to.Site)
	t := func(key string) string { return to.Lang.T("notify."+key, pairs...) }
	short := func(key string) string { return to.Lang.T("notify."+key, brief(pairs)...) }
	m := Message{Channel: to.Channel, To: to.Address, Kind: kind, Lang: to.Lang}
	if to.Channel == SMS {
		text := short(w.words + ".sms")
		if w.why != whyCode { // a code says itself where it is typed
			text += short("site.sms")
		}
		m.Text = pii.New(text)
		return m
	}
	subject := short(w.words + ".subject")
	text := t(w.words+".email") + "\n\n" + t("site.email") + "\n\n" + t("why."+w.why)
	m.Subject, m.Text = pii.New(subject), pii.New(text)
	m.HTML = pii.New(html(to.Lang, subject, text, link))
	return m
}

//go:embed email.html
var emailText string

var email = template.Must(template.New("email").Parse(emailText))

// html sets the paragraphs of a text as a page; the one that is the link becomes
// one. It escapes whatever the words carry, and returns "" if it fails: the text
// is the message.
func html(lang i18n.Lang, subject, text, link string) string {
	page := struct {
		Lang, Subject, Link string
		Paragraphs          []string
	}{string(lang), subject, link, strings.Split(text, "\n\n")}
	var b bytes.Buffer
	if email.Execute(&b, page) != nil {
		return ""
	}
	return b.String()
}

// beijing is the one clock of the Provisions; it has had no summer time since 1991.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// clock writes a time. A text message is dated by the phone, and each character
// of it is paid for: there the year goes without saying.
func clock(to To, t time.Time) string {
	t = t.In(beijing)
	switch {
	case to.Lang == i18n.English && to.Channel == SMS:
		return t.Format("2 Jan 15:04") + " (Beijing)"
	case to.Lang == i18n.English:
		return t.Format("2 January 2006, 15:04") + " (Beijing time)"
	case to.Channel == SMS:
		return t.Format("1月2日 15:04")
	}
	return t.Format("2006年1月2日 15:04") + "（北京时间）"
}

func list(lang i18n.Lang, items []string) string {
	if len(items) == 0 {
		return lang.T("notify.none")
	}
	lines := make([]string, len(items))
	for i, item := range items {
		lines[i] = line(item)
	}
	return strings.Join(lines, lang.T("notify.and"))
}

// maxBrief is how many bytes of an operator's words a subject and a text message
// have room for. What is ours follows them, a link at the end: it must not be cut,
// nor make the message one that is refused.
const maxBrief = 120

// brief shortens what an operator wrote among the places of a message. A charter's
// labels may be of 200 characters; an e-mail says them whole in its text.
func brief(pairs []any) []any {
	pairs = slices.Clone(pairs)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] != "Service" && pairs[i] != "Withdrawn" && pairs[i] != "Purpose" {
			continue
		}
		if s, ok := pairs[i+1].(string); ok {
			pairs[i+1] = cut(s, maxBrief)
		}
	}
	return pairs
}

// cut returns at most so many bytes of s, of whole characters. Its three dots
// count as three on the air, where one character "…" would double the price.
func cut(s string, most int) string {
	const dots = "..."
	if len(s) <= most {
		return s
	}
	end := most - len(dots)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + dots
}

// line makes one line of what an operator wrote.
func line(s string) string { return strings.Join(strings.Fields(s), " ") }
