// Package id makes the typed, opaque names of things: "ch_5kx0…".
//
// Its one invariant: a name carries nothing but its type. It is 128 bits of
// randomness: no time, no counter, nothing about the person behind it.
package id

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// crockford is base32 without the letters that people confuse.
var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// A Prefix is the type of a name: two letters, as in "ch".
type Prefix string

// The types of names.
const (
	Child      Prefix = "ch"
	Guardian   Prefix = "gu"
	Consent    Prefix = "co"
	Request    Prefix = "cr" // a consent request
	Credential Prefix = "ak" // an app's key
	Staff      Prefix = "st"
	Subject    Prefix = "su" // a child's pseudonym in the ledger
	Entry      Prefix = "le" // a ledger entry
	Call       Prefix = "rq" // one HTTP request
	Session    Prefix = "se" // a guardian who is signed in
	Passkey    Prefix = "pk" // what a guardian signs in with instead of a code

	StaffSession Prefix = "ss" // a person inside who is signed in
	StaffPasskey Prefix = "sk" // what a person inside signs in with

	Verification Prefix = "ve" // of who a guardian is
	Rights       Prefix = "rr" // a demand of a child or its guardian
	Shield       Prefix = "sh" // that what is held of a child is hidden from one of its guardians
	BirthClaim   Prefix = "bc" // that a child is older than was said
	Webhook      Prefix = "wh" // where the operator's systems are told of events
	Approval     Prefix = "la" // of keeping what a law demands
	Kept         Prefix = "lk" // what is kept of one child because of it
	Order        Prefix = "or" // what a processor or a recipient is told to do
	Backup       Prefix = "bk" // a copy of the store
	Restoration  Prefix = "rs" // that the store was put back to what it was
	Suspicion    Prefix = "sp" // that an account may be a child's
	Takedown     Prefix = "td" // of content that was published
	Stream       Prefix = "ls" // that a system keeps automatically
	JoinTest     Prefix = "jt" // whether a stream can be joined with a child
	Look         Prefix = "sa" // what a person inside asks to see of a child
	Record       Prefix = "ro" // about who holds an office
	Paper        Prefix = "pp" // that a processor or a recipient stands on
	Impact       Prefix = "ia" // an assessment of a purpose
	PartyKey     Prefix = "kp" // what a processor or a recipient signs its requests with
	PartySeat    Prefix = "ps" // by which a person of a processor or a recipient signs in
	PartySeal    Prefix = "kx" // what is pushed to a processor or a recipient is sealed to
	Bundle       Prefix = "bn" // what was pushed to one, and waits for it
	Assistance   Prefix = "as" // that a processor or a recipient is asked for with a demand
	Incident     Prefix = "in" // of information that was leaked, changed or lost
	Complaint    Prefix = "rp" // what somebody has reported to the desk
	BreachNotice Prefix = "wn" // that children and guardians are told of an incident
	Evidence     Prefix = "ev" // an archive for an authority

	Rectification Prefix = "rc" // what an authority demands, or what has to be put right
	Inspection    Prefix = "iv" // by which somebody of an authority looks at evidence
)

// New returns a fresh name of type p: p, "_" and 26 characters.
func New(p Prefix) string {
	var b [16]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return string(p) + "_" + crockford.EncodeToString(b[:])
}

// Is reports whether s has the shape of a name of type p. It says nothing of
// whether such a thing exists.
func Is(p Prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, string(p)+"_")
	if !ok || len(rest) != 26 {
		return false
	}
	_, err := crockford.DecodeString(rest)
	return err == nil
}

// Secret returns n random bytes as text, for links and keys; n is at least 16.
func Secret(n int) string {
	b := make([]byte, max(n, 16))
	rand.Read(b)
	return Text(b)
}

// Number returns what people call a thing on the phone: "7K2M-9QXT". It is random, so it
// tells nothing, and leads to nothing by itself; two things may share one.
func Number() string { return number(Secret(16)) }

func number(letters string) string {
	s := strings.ToUpper(letters)
	return s[:4] + "-" + s[4:8]
}

// NumberOf returns the number of a thing that is found by how its name begins, and so needs
// no list of numbers: see Numbered.
func NumberOf(name string) string { return number(name[strings.IndexByte(name, '_')+1:]) }

// Numbered returns the first and the last name of type p that has this number.
func Numbered(p Prefix, number string) (first, last string) {
	begins := string(p) + "_" + strings.ToLower(strings.ReplaceAll(number, "-", ""))
	return begins + strings.Repeat("0", 18), begins + strings.Repeat("z", 18)
}

// ParseNumber reads a number as people say it, "7k2m 9qxt", and reports whether it may
// be one.
func ParseNumber(said string) (number string, ok bool) {
	s := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(said))
	if len(s) != 8 || strings.Trim(s, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
		return "", false
	}
	return s[:4] + "-" + s[4:], true
}

// Text writes bytes as Secret does, for a secret that is computed.
func Text(secret []byte) string { return crockford.EncodeToString(secret) }
