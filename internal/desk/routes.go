package desk

import "slices"

// who may ask for a route. The zero value is nobody.
type who int

const (
	_             who = iota
	anybody           // what leads in
	theirs            // who is signed in, for a party that owes something still or stands
	freshlyTheirs     // the same, for who has shown within minutes who it is
)

// A route is an address of the desk.
type route struct {
	pattern string
	who     who
	page    string // of a form, the page that holds it
	does    func(*Server, *visit) error
}

// table has all routes that there are: what isn't here doesn't answer.
func table() []route {
	return []route{
		{"GET /party", theirs, "", (*Server).home},

		{"GET /party/in", anybody, "", (*Server).showDoor},
		{"POST /party/in", anybody, "/party/in", (*Server).enter},
		{"POST /party/in/ask", anybody, "/party/in", (*Server).askPasskey},
		{"POST /party/in/passkey", anybody, "/party/in", (*Server).enterByPasskey},
		{"GET /party/setup/{link}", anybody, "", (*Server).showSetUp},
		{"POST /party/setup/{link}", anybody, "/party/in", (*Server).setUp},
		{"POST /party/out", theirs, "/party", (*Server).signOut},

		{"GET /party/tasks", theirs, "", (*Server).tasks},
		{"GET /party/tasks/{task}", theirs, "", (*Server).task},
		{"POST /party/tasks/{task}", theirs, "/party/tasks/{task}", (*Server).reply},
		{"GET /party/orders", theirs, "", (*Server).orders},
		{"GET /party/orders/{order}", theirs, "", (*Server).order},
		{"POST /party/orders/{order}", theirs, "/party/orders/{order}", (*Server).attest},
		{"GET /party/bundles", theirs, "", (*Server).bundles},
		{"POST /party/bundles/{bundle}", theirs, "/party/bundles", (*Server).fetchBundle},
		{"POST /party/bundles/{bundle}/taken", theirs, "/party/bundles", (*Server).tookBundle},
		{"GET /party/leaks", theirs, "", (*Server).leaks},
		{"POST /party/leaks", theirs, "/party/leaks", (*Server).reportLeak},
		{"GET /party/leaks/{leak}", theirs, "", (*Server).leak},
		{"POST /party/leaks/{leak}", theirs, "/party/leaks/{leak}", (*Server).addToLeak},
		{"GET /party/sub-processors", theirs, "", (*Server).subs},
		{"POST /party/sub-processors", freshlyTheirs, "/party/sub-processors", (*Server).tellSubs},
		{"GET /party/end", theirs, "", (*Server).ending},
		{"POST /party/end", theirs, "/party/end", (*Server).state},

		{"GET /party/account", theirs, "", (*Server).account},
		{"POST /party/account/end", freshlyTheirs, "/party/account", (*Server).endSession},
		{"POST /party/account/passkeys/offer", freshlyTheirs, "/party/account", (*Server).offerPasskey},
		{"POST /party/account/passkeys", freshlyTheirs, "/party/account", (*Server).addPasskey},
		{"POST /party/account/passkeys/remove", freshlyTheirs, "/party/account", (*Server).removePasskey},
	}
}

// withFiles is how many bytes the forms have that bring a document. It fits into the memory
// that is taken for it: no file of a form is ever on disk (invariant 9).
var withFiles = map[string]int64{
	"POST /party/orders/{order}": maxDocument,
	"POST /party/end":            maxDocument,
}

func hasPage(path string) bool {
	return slices.ContainsFunc(table(), func(r route) bool { return r.pattern == "GET "+path })
}

// Routes returns the patterns of all routes.
func Routes() (all []string) {
	for _, r := range table() {
		all = append(all, r.pattern)
	}
	return all
}
