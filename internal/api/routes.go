package api

import (
	"net/http"
	"slices"
	"strings"

	"wardkeep/client"
	"wardkeep/internal/account"
)

// access is who may ask.
type access int

const (
	forApp   access = iota // an app of the service, with the route's scope
	forLink                // whoever holds a guardian's link
	forAll                 // anybody
	forParty               // a processor or a recipient that signs its requests
)

// A route is one line of the table: everything that is true of it before its
// handler runs.
type route struct {
	Method, Path string
	ID           string // its words are api.route.<ID>
	Tag          string
	Access       access
	Scope        account.Scope // of an app; "" any key of the service
	Late         bool          // a party that doesn't stand any more may ask, too: it only tells us something (see party.Client.Deaf)
	Body         bool          // takes JSON
	Large        bool          // … with values, up to 16 MiB
	Hot          bool          // reads its body itself
	Once         bool          // takes an Idempotency-Key
	ETag         bool          // answers 304
	IfMatch      bool
	Status       int   // when all is well
	Errors       []int // beside those that follow from the rest
	ContentType  string
	do           func(*mux, *route)
}

const (
	get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete

	service   = "/v1/services/{service}"
	child     = service + "/children/{child}"
	tie       = child + "/guardians/{guardian}"
	asking    = service + "/consent-requests/{request}"
	demanding = service + "/requests/{request}"
	guardian  = "/v1/guardian/requests/{token}"
	partner   = "/v1/party" // of whoever has signed: the key says which
)

// routes is the table of routes.
var routes = []route{
	{Method: post, Path: service + "/age-checks", ID: "check-age", Tag: "children", Scope: account.ChildrenRead, Body: true, Status: 200, do: typed(checkAge)},
	{Method: post, Path: service + "/children", ID: "register-child", Tag: "children", Scope: account.ChildrenWrite, Body: true, Once: true, Status: 201, Errors: []int{409}, do: typed(registerChild)},
	{Method: get, Path: service + "/children", ID: "list-children", Tag: "children", Scope: account.ChildrenRead, Status: 200, do: typed(listChildren)},
	{Method: get, Path: child, ID: "get-child", Tag: "children", Scope: account.ChildrenRead, Status: 200, do: typed(getChild)},
	{Method: get, Path: child + "/permissions", ID: "get-permissions", Tag: "children", Scope: account.DecisionsRead, ETag: true, Status: 200, do: typed(getPermissions)},
	{Method: post, Path: child + ":correct", ID: "correct-birth", Tag: "children", Scope: account.ChildrenWrite, Body: true, Once: true, IfMatch: true, Status: 200, do: typed(correctBirth)},
	{Method: post, Path: child + "/guardians", ID: "add-guardian", Tag: "children", Scope: account.ChildrenWrite, Body: true, Once: true, Status: 201, Errors: []int{409}, do: typed(addGuardian)},
	{Method: post, Path: tie + ":unverify", ID: "unverify-guardian", Tag: "children", Scope: account.ChildrenWrite, Once: true, Status: 200, do: typed(unverifyGuardian)},
	{Method: del, Path: tie, ID: "end-guardian", Tag: "children", Scope: account.ChildrenWrite, Once: true, Status: 204, do: typed(endGuardian)},
	{Method: post, Path: child + "/events", ID: "report-event", Tag: "children", Scope: account.ItemsWrite, Body: true, Once: true, Status: 200, do: typed(reportEvent)},
	{Method: del, Path: child, ID: "erase-child", Tag: "children", Scope: account.Erase, Once: true, Status: 200, do: typed(eraseChild)},

	{Method: post, Path: child + "/requests", ID: "demand", Tag: "rights", Scope: account.RequestsWrite, Body: true, Once: true, Status: 201, Errors: []int{409}, do: typed(demand)},
	{Method: get, Path: child + "/requests", ID: "child-demands", Tag: "rights", Scope: account.RequestsWrite, Status: 200, do: typed(childDemands)},
	{Method: get, Path: service + "/requests", ID: "due-demands", Tag: "rights", Scope: account.RequestsWrite, Status: 200, do: typed(dueDemands)},
	{Method: get, Path: demanding, ID: "get-demand", Tag: "rights", Scope: account.RequestsWrite, Status: 200, do: typed(getDemand)},
	{Method: post, Path: demanding + ":extend", ID: "extend-demand", Tag: "rights", Scope: account.RequestsWrite, Body: true, Once: true, Status: 200, Errors: []int{409}, do: typed(extendDemand)},
	{Method: post, Path: demanding + ":refuse", ID: "refuse-demand", Tag: "rights", Scope: account.RequestsWrite, Body: true, Once: true, Status: 200, Errors: []int{409}, do: typed(refuseDemand)},
	{Method: post, Path: demanding + ":finish", ID: "finish-demand", Tag: "rights", Scope: account.RequestsWrite, Body: true, Once: true, Status: 200, Errors: []int{409}, do: typed(finishDemand)},
	{Method: post, Path: demanding + ":recall", ID: "recall-demand", Tag: "rights", Scope: account.RequestsWrite, Once: true, Status: 200, Errors: []int{409}, do: typed(recallDemand)},

	{Method: get, Path: service + "/orders", ID: "list-orders", Tag: "rights", Scope: account.OrdersWrite, Status: 200, do: typed(listOrders)},
	{Method: post, Path: service + "/orders/{order}:attest", ID: "attest-order", Tag: "rights", Scope: account.OrdersWrite, Body: true, Once: true, Status: 200, Errors: []int{404, 409}, do: typed(attestOrder)},

	{Method: post, Path: service + "/suspicions", ID: "suspect", Tag: "children", Scope: account.SuspicionsWrite, Body: true, Once: true, Status: 201, Errors: []int{409}, do: typed(suspect)},
	{Method: get, Path: service + "/suspicions", ID: "list-suspicions", Tag: "children", Scope: account.SuspicionsWrite, Status: 200, do: typed(listSuspicions)},
	{Method: get, Path: service + "/suspicions/{suspicion}", ID: "get-suspicion", Tag: "children", Scope: account.SuspicionsWrite, Status: 200, Errors: []int{404}, do: typed(getSuspicion)},

	{Method: post, Path: service + "/takedowns", ID: "report-content", Tag: "publication", Scope: account.TakedownsWrite, Body: true, Once: true, Status: 201, Errors: []int{409}, do: typed(reportContent)},
	{Method: get, Path: service + "/takedowns", ID: "list-takedowns", Tag: "publication", Scope: account.TakedownsWrite, Status: 200, do: typed(listTakedowns)},
	{Method: get, Path: service + "/takedowns/{takedown}", ID: "get-takedown", Tag: "publication", Scope: account.TakedownsWrite, Status: 200, Errors: []int{404}, do: typed(getTakedown)},
	{Method: post, Path: service + "/takedowns/{takedown}:done", ID: "took-down", Tag: "publication", Scope: account.TakedownsWrite, Once: true, Status: 200, Errors: []int{404, 409}, do: typed(tookDown)},
	{Method: post, Path: service + "/incidents", ID: "report-incident", Tag: "service", Scope: account.IncidentsWrite, Body: true, Once: true, Status: 201, do: typed(reportIncident)},
	{Method: get, Path: service + "/incidents/{incident}", ID: "get-incident", Tag: "service", Scope: account.IncidentsWrite, Status: 200, Errors: []int{404}, do: typed(getIncident)},
	{Method: post, Path: service + "/incidents/{incident}:add", ID: "add-to-incident", Tag: "service", Scope: account.IncidentsWrite, Body: true, Once: true, Status: 200, Errors: []int{404, 409}, do: typed(addToIncident)},
	{Method: post, Path: service + "/messages:returned", ID: "message-returned", Tag: "service", Scope: account.IncidentsWrite, Body: true, Once: true, Status: 200, Errors: []int{404}, do: typed(messageReturned)},

	{Method: post, Path: service + "/screenings", ID: "screen", Tag: "publication", Scope: account.ScreeningsWrite, Body: true, Large: true, Status: 200, do: typed(screen)},

	{Method: put, Path: child + "/items", ID: "collect", Tag: "values", Scope: account.ItemsWrite, Body: true, Large: true, Once: true, IfMatch: true, Status: 200, do: typed(collect)},
	{Method: post, Path: child + "/items:read", ID: "read", Tag: "values", Scope: account.ItemsRead, Body: true, Hot: true, Status: 200, do: plain[wardkeep.Reading, wardkeep.Values](readItems)},
	{Method: post, Path: child + "/items:push", ID: "push", Tag: "values", Scope: account.ItemsRead, Body: true, Once: true, Status: 202, do: typed(push)},
	{Method: post, Path: child + "/transfers", ID: "transfer", Tag: "values", Scope: account.ItemsRead, Body: true, Status: 200, do: typed(transfer)},
	{Method: post, Path: child + "/handles", ID: "introduce", Tag: "values", Scope: account.ItemsRead, Body: true, Once: true, Status: 200, do: typed(introduce)},
	{Method: post, Path: child + "/disclosures", ID: "disclose", Tag: "values", Scope: account.ItemsRead, Body: true, Status: 200, do: typed(disclose)},
	{Method: post, Path: service + "/decisions", ID: "decide", Tag: "values", Scope: account.DecisionsRead, Body: true, Hot: true, Status: 200, do: plain[wardkeep.Checks, wardkeep.Decisions](decide)},
	{Method: post, Path: service + "/seal", ID: "seal", Tag: "values", Scope: account.Seal, Body: true, Large: true, Once: true, Status: 200, do: typed(seal)},
	{Method: post, Path: service + "/open", ID: "open", Tag: "values", Scope: account.Seal, Body: true, Large: true, Status: 200, do: typed(open)},

	{Method: post, Path: service + "/consent-requests", ID: "ask", Tag: "consent", Scope: account.ConsentsWrite, Body: true, Once: true, Status: 201, Errors: []int{404, 409, 410}, do: typed(ask)},
	{Method: get, Path: asking, ID: "get-request", Tag: "consent", Scope: account.ConsentsWrite, Status: 200, do: typed(getRequest)},
	{Method: post, Path: asking + ":send", ID: "send-request", Tag: "consent", Scope: account.ConsentsWrite, Once: true, Status: 200, Errors: []int{409, 410, 502}, do: typed(sendRequest)},
	{Method: post, Path: asking + ":code", ID: "show-code", Tag: "consent", Scope: account.ConsentsWrite, Once: true, Status: 200, Errors: []int{409, 410}, do: typed(showCode)},
	{Method: post, Path: asking + ":cancel", ID: "cancel-request", Tag: "consent", Scope: account.ConsentsWrite, Once: true, Status: 200, Errors: []int{409, 410}, do: typed(cancelRequest)},
	{Method: post, Path: asking + ":force", ID: "force-request", Tag: "consent", Scope: account.ConsentsWrite, Body: true, Once: true, Status: 200, Errors: []int{409, 410}, do: typed(forceRequest)},

	{Method: get, Path: guardian, ID: "guardian-open", Tag: "guardian", Access: forLink, Status: 200, Errors: []int{409, 410}, do: typed(guardianOpen)},
	{Method: post, Path: guardian + ":send-code", ID: "guardian-send-code", Tag: "guardian", Access: forLink, Once: true, Status: 200, Errors: []int{409, 410, 502}, do: typed(guardianSendCode)},
	{Method: post, Path: guardian + ":verify", ID: "guardian-verify", Tag: "guardian", Access: forLink, Body: true, Once: true, Status: 200, Errors: []int{403, 410}, do: typed(guardianVerify)},
	{Method: post, Path: guardian + ":answer", ID: "guardian-answer", Tag: "guardian", Access: forLink, Body: true, Once: true, Status: 200, Errors: []int{403, 409, 410}, do: typed(guardianAnswer)},
	{Method: post, Path: guardian + ":withdraw", ID: "guardian-withdraw", Tag: "guardian", Access: forLink, Body: true, Once: true, Status: 200, Errors: []int{403, 409, 410}, do: typed(guardianWithdraw)},
	{Method: post, Path: guardian + ":ask", ID: "guardian-ask", Tag: "guardian", Access: forLink, Body: true, Once: true, Status: 201, Errors: []int{403, 409, 410}, do: typed(guardianAsk)},
	{Method: get, Path: guardian + "/receipt", ID: "guardian-receipt", Tag: "guardian", Access: forLink, Status: 200, Errors: []int{403, 410}, do: typed(guardianReceipt)},
	{Method: get, Path: guardian + "/receipt.json", ID: "guardian-record", Tag: "guardian", Access: forLink, Status: 200, Errors: []int{403, 409, 410}, ContentType: recordType, do: plain[none, string](guardianRecord)},

	{Method: post, Path: guardian + ":prove-number", ID: "guardian-prove-number", Tag: "guardian", Access: forLink, Body: true, Once: true, Status: 200, Errors: []int{403, 410}, do: typed(guardianNumber)},
	{Method: post, Path: guardian + ":prove-officially", ID: "guardian-prove-officially", Tag: "guardian", Access: forLink, Body: true, Once: true, Status: 200, Errors: []int{403, 410}, do: typed(guardianOfficial)},
	{Method: post, Path: guardian + ":prove-by-document", ID: "guardian-prove-by-document", Tag: "guardian", Access: forLink, Body: true, Large: true, Once: true, Status: 202, Errors: []int{403, 410}, do: typed(guardianDocument)},
	{Method: get, Path: guardian + "/verifications/{verification}", ID: "guardian-proving", Tag: "guardian", Access: forLink, Status: 200, Errors: []int{403, 410}, do: typed(guardianProving)},
	{Method: post, Path: "/v1/verification/report", ID: "identity-report", Tag: "guardian", Access: forAll, Body: true, Hot: true, Status: 204, Errors: []int{401}, do: plain[wardkeep.IdentityReport, none](identityReport)},

	{Method: get, Path: partner, ID: "party-standing", Tag: "party", Access: forParty, Status: 200, do: typed(partyStanding)},
	{Method: post, Path: partner + "/children/{handle}/items:read", ID: "party-read", Tag: "party", Access: forParty, Body: true, Status: 200, Errors: []int{404}, do: typed(partyRead)},
	{Method: get, Path: partner + "/bundles", ID: "party-bundles", Tag: "party", Access: forParty, Status: 200, do: typed(partyBundles)},
	{Method: get, Path: partner + "/bundles/{bundle}", ID: "party-bundle", Tag: "party", Access: forParty, Status: 200, Errors: []int{404, 409, 410}, do: typed(partyBundle)},
	{Method: post, Path: partner + "/bundles/{bundle}:taken", ID: "party-took", Tag: "party", Access: forParty, Once: true, Status: 204, Errors: []int{404, 409}, do: typed(partyTook)},
	{Method: post, Path: partner + "/leaks", ID: "report-leak", Tag: "party", Access: forParty, Late: true, Body: true, Once: true, Status: 201, do: typed(reportLeak)},
	{Method: get, Path: partner + "/leaks/{leak}", ID: "get-leak", Tag: "party", Access: forParty, Late: true, Status: 200, Errors: []int{404}, do: typed(getLeak)},
	{Method: post, Path: partner + "/leaks/{leak}:add", ID: "add-to-leak", Tag: "party", Access: forParty, Late: true, Body: true, Once: true, Status: 200, Errors: []int{404, 409}, do: typed(addToLeak)},
	{Method: get, Path: partner + "/orders", ID: "party-orders", Tag: "party", Access: forParty, Late: true, Status: 200, do: typed(partyOrders)},
	{Method: post, Path: partner + "/orders/{order}:attest", ID: "party-attest", Tag: "party", Access: forParty, Late: true, Body: true, Once: true, Status: 200, Errors: []int{404, 409}, do: typed(partyAttest)},
	{Method: post, Path: partner + "/orders:end", ID: "party-end", Tag: "party", Access: forParty, Late: true, Body: true, Once: true, Status: 200, Errors: []int{409}, do: typed(partyEnd)},
	{Method: post, Path: partner + "/sub-processors", ID: "party-tell", Tag: "party", Access: forParty, Late: true, Body: true, Once: true, Status: 200, do: typed(partyTell)},
	{Method: get, Path: partner + "/tasks", ID: "party-tasks", Tag: "party", Access: forParty, Late: true, Status: 200, do: typed(partyTasks)},
	{Method: post, Path: partner + "/tasks/{task}:answer", ID: "party-answer", Tag: "party", Access: forParty, Late: true, Body: true, Once: true, Status: 200, Errors: []int{404, 409}, do: typed(partyAnswer)},

	{Method: get, Path: service, ID: "get-service", Tag: "service", Status: 200, do: typed(getService)},
	{Method: get, Path: service + "/charter", ID: "get-charter", Tag: "service", Status: 200, Errors: []int{409}, do: typed(getCharter)},
	{Method: get, Path: service + "/register", ID: "get-register", Tag: "service", Scope: account.EventsRead, ETag: true, Status: 200, Errors: []int{409}, do: typed(getRegister)},
	{Method: get, Path: "/v1/events", ID: "get-events", Tag: "service", Scope: account.EventsRead, Status: 200, do: typed(getEvents)},
	{Method: get, Path: "/v1/metrics", ID: "get-metrics", Tag: "service", Scope: account.EventsRead, Status: 200, ContentType: "text/plain", do: plain[none, string](getMetrics)},

	{Method: get, Path: "/v1/ledger/checkpoint", ID: "get-checkpoint", Tag: "ledger", Access: forAll, Status: 200, Errors: []int{404}, ContentType: "text/plain", do: plain[none, string](ledgerFile)},
	{Method: get, Path: "/v1/ledger/cosigned", ID: "get-cosigned", Tag: "ledger", Access: forAll, Status: 200, Errors: []int{404}, ContentType: "text/plain", do: plain[none, string](getCosigned)},
	{Method: get, Path: "/v1/ledger/tile/{path...}", ID: "get-tile", Tag: "ledger", Access: forAll, Status: 200, Errors: []int{404}, ContentType: "application/octet-stream", do: plain[none, string](ledgerFile)},
	{Method: get, Path: "/v1/ledger/tile/entries/{path...}", ID: "get-entries", Tag: "ledger", Scope: account.EventsRead, Status: 200, Errors: []int{404}, ContentType: "application/octet-stream", do: plain[none, string](entriesFile)},
	{Method: get, Path: "/v1/ledger/entries/{entry}/proof", ID: "get-proof", Tag: "ledger", Scope: account.EventsRead, Status: 200, Errors: []int{404}, do: typed(getProof)},
	{Method: get, Path: "/v1/ledger/key", ID: "get-ledger-key", Tag: "ledger", Access: forAll, Status: 200, do: typed(getLedgerKey)},

	{Method: get, Path: "/v1/health", ID: "get-health", Tag: "server", Access: forAll, Status: 200, do: typed(getHealth)},
	{Method: get, Path: "/openapi.json", ID: "get-openapi", Tag: "server", Access: forAll, Status: 200, ContentType: "application/openapi+json", do: plain[none, string](getOpenAPI)},
	{Method: get, Path: "/docs", ID: "get-docs", Tag: "server", Access: forAll, Status: 200, ContentType: "text/html", do: plain[none, string](getDocs)},
	{Method: get, Path: "/v1/docs.css", ID: "get-docs-style", Tag: "server", Access: forAll, Status: 200, ContentType: "text/css", do: plain[none, string](getDocsStyle)},
}

func (rt *route) pattern() string { return rt.Method + " " + rt.Path }

// described is the path as OpenAPI writes it.
func (rt *route) described() string { return strings.Replace(rt.Path, "...}", "}", 1) }

func (rt *route) hot() bool { return rt.Hot }

// The largest bodies, in bytes.
const (
	maxBody  = 1 << 20
	maxLarge = 16 << 20
)

func (rt *route) limit() int64 {
	if rt.Large {
		return maxLarge
	}
	return maxBody
}

const entryHeader = "Wardkeep-Entry"

// headers are the request headers that the route knows.
func (rt *route) headers() (names []string) {
	if rt.Once {
		names = append(names, "Idempotency-Key")
	}
	if rt.ETag {
		names = append(names, "If-None-Match")
	}
	if rt.IfMatch {
		names = append(names, "If-Match")
	}
	if slices.Contains([]string{"guardian-receipt", "guardian-record", "guardian-proving"}, rt.ID) {
		names = append(names, proofHeader)
	}
	if rt.Access == forParty {
		names = append(names, "Signature-Input", "Signature")
		if rt.Body {
			names = append(names, "Content-Digest")
		}
	}
	return append(names, "Accept-Language")
}

// answers are the headers of a good answer.
func (rt *route) answers() []string {
	names := []string{"X-Request-Id", "RateLimit"}
	if rt.Once || rt.ID == "read" || rt.ID == "party-read" {
		names = append(names, entryHeader)
	}
	if rt.ETag || rt.IfMatch || slices.Contains([]string{"get-child", "register-child", "add-guardian", "unverify-guardian", "report-event"}, rt.ID) {
		names = append(names, "ETag")
	}
	return names
}

// refusals are the statuses of what can go wrong.
func (rt *route) refusals() []int {
	all := append([]int{429, 500, 503}, rt.Errors...)
	if rt.Access == forApp || rt.Access == forParty {
		all = append(all, 401, 403)
	}
	if rt.Body {
		all = append(all, 400, 413, 415, 422)
	}
	if rt.Once {
		all = append(all, 409, 422, 507)
	}
	if rt.Method == get && rt.ContentType == "" {
		all = append(all, 422) // a query
	}
	if rt.IfMatch {
		all = append(all, 412)
	}
	for _, name := range []string{"{child}", "{request}", "{token}"} {
		if strings.Contains(rt.Path, name) {
			all = append(all, 404, 410)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
