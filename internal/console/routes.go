package console

import (
	"strings"
	"sync"

	"wardkeep/internal/staff"
	"wardkeep/internal/warning"
)

// who may ask for a route. The zero value is nobody.
type who int

const (
	_          who = iota
	anybody        // what leads in
	signedIn       // what is a person's own
	freshlyIn      // the same, for who has shown within minutes who it is
	whoMay         // whom the matrix lets
	freshlyMay     // the same, for who has shown within minutes who it is
)

// A route is an address of the console.
type route struct {
	pattern string
	who     who
	action  staff.Action // for whoMay
	page    string       // of a form, the page that holds it
	does    func(*Server, *visit) error
}

// table has all routes that there are: what isn't here doesn't answer, and
// TestArticle15_EveryRouteAsEveryRole tries each.
func table() []route {
	return []route{
		{"GET /console", signedIn, "", "", (*Server).home},

		{"GET /console/in", anybody, "", "", (*Server).showDoor},
		{"POST /console/in", anybody, "", "/console/in", (*Server).enter},
		{"POST /console/in/ask", anybody, "", "/console/in", (*Server).askPasskey},
		{"POST /console/in/passkey", anybody, "", "/console/in", (*Server).enterByPasskey},
		{"GET /console/in/provider", anybody, "", "", (*Server).askProvider},
		{"GET /console/in/provider/back", anybody, "", "", (*Server).backFromProvider},
		{"GET /console/in/provider/go", anybody, "", "/console/in", (*Server).enterByProvider},
		{"POST /console/in/provider/out", anybody, "", "/console/in", (*Server).outAtProvider},
		{"GET /console/setup/{link}", anybody, "", "", (*Server).showSetUp},
		{"POST /console/setup/{link}", anybody, "", "/console/in", (*Server).setUp},

		{"GET /console/people", whoMay, staff.SeePeople, "", (*Server).people},
		{"POST /console/people", whoMay, staff.ManagePeople, "/console/people", (*Server).invitePerson},
		{"GET /console/people/{person}", whoMay, staff.SeePeople, "", (*Server).person},
		{"POST /console/people/{person}/give", whoMay, staff.ManagePeople, "/console/people/{person}", (*Server).giveRole},
		{"POST /console/people/{person}/take", whoMay, staff.ManagePeople, "/console/people/{person}", (*Server).takeRole},
		{"POST /console/people/{person}/reset", whoMay, staff.ManagePeople, "/console/people/{person}", (*Server).resetPerson},
		{"POST /console/people/{person}/confirm", whoMay, staff.ManagePeople, "/console/people/{person}", (*Server).confirmPerson},
		{"POST /console/people/{person}/locate", whoMay, staff.ManagePeople, "/console/people/{person}", (*Server).locatePerson},
		{"POST /console/people/{person}/left", whoMay, staff.ManagePeople, "/console/people/{person}", (*Server).leftPerson},

		{"GET /console/access", whoMay, staff.AskAccess, "", (*Server).access},
		{"GET /console/access/new", whoMay, staff.AskAccess, "", (*Server).where},
		{"GET /console/access/new/{service}/{purpose}", whoMay, staff.AskAccess, "", (*Server).showAsk},
		{"POST /console/access/new/{service}/{purpose}", whoMay, staff.AskAccess, "/console/access/new/{service}/{purpose}", (*Server).ask},
		{"GET /console/access/requests/{service}/{request}", whoMay, staff.AskAccess, "", (*Server).request},
		{"POST /console/access/requests/{service}/{request}/decide", whoMay, staff.DecideAccess, "/console/access/requests/{service}/{request}", (*Server).decide},
		{"POST /console/access/requests/{service}/{request}/end", whoMay, staff.AskAccess, "/console/access/requests/{service}/{request}", (*Server).endRequest},
		{"GET /console/access/requests/{service}/{request}/view", whoMay, staff.AskAccess, "", (*Server).watch},
		{"POST /console/access/requests/{service}/{request}/view", freshlyMay, staff.AskAccess, "/console/access/requests/{service}/{request}/view", (*Server).reveal},
		{"GET /console/decisions", whoMay, staff.DecideAccess, "", (*Server).decisions},
		{"GET /console/due", whoMay, staff.SeeDue, "", (*Server).due},
		{"GET /console/board", whoMay, staff.SeeBoard, "", (*Server).articles},
		{"GET /console/board/{article}", whoMay, staff.SeeBoard, "", (*Server).article},
		{"GET /console/pictures", whoMay, staff.SeeBoard, "", (*Server).pictures},
		{"POST /console/pictures/{picture}", freshlyMay, staff.SeeBoard, "/console/pictures", (*Server).pictureNumbers},
		{"GET /console/urgent", whoMay, staff.AskAccess, "", (*Server).urgent},
		{"GET /console/urgent/new", whoMay, staff.AskAccess, "", (*Server).whereUrgent},
		{"GET /console/urgent/new/{service}/{purpose}", whoMay, staff.AskAccess, "", (*Server).showUrgent},
		{"POST /console/urgent/new/{service}/{purpose}", whoMay, staff.AskAccess, "/console/urgent/new/{service}/{purpose}", (*Server).askUrgent},
		{"POST /console/access/requests/{service}/{request}/join", freshlyMay, staff.AskAccess, "/console/access/requests/{service}/{request}", (*Server).join},
		{"GET /console/exports/new/{service}/{purpose}", whoMay, staff.AskAccess, "", (*Server).showExport},
		{"POST /console/exports/new/{service}/{purpose}", whoMay, staff.AskAccess, "/console/exports/new/{service}/{purpose}", (*Server).askExport},
		{"GET /console/legal/new/{service}/{purpose}", whoMay, staff.AskAccess, "", (*Server).showLaw},
		{"POST /console/legal/new/{service}/{purpose}", whoMay, staff.AskAccess, "/console/legal/new/{service}/{purpose}", (*Server).askLaw},
		{"GET /console/rescue/new/{service}/{purpose}", whoMay, staff.AskAccess, "", (*Server).showLife},
		{"POST /console/rescue/new/{service}/{purpose}", whoMay, staff.AskAccess, "/console/rescue/new/{service}/{purpose}", (*Server).askLife},
		{"POST /console/access/requests/{service}/{request}/export", freshlyMay, staff.AskAccess, "/console/access/requests/{service}/{request}", (*Server).export},
		{"GET /console/reviews", whoMay, staff.ReviewAccess, "", (*Server).reviews},
		{"GET /console/reviews/{service}/{request}", whoMay, staff.ReviewAccess, "", (*Server).showReview},
		{"POST /console/reviews/{service}/{request}", whoMay, staff.ReviewAccess, "/console/reviews/{service}/{request}", (*Server).review},

		{"GET /console/demands", whoMay, staff.HandleDemands, "", (*Server).demands},
		{"GET /console/demands/new", whoMay, staff.HandleDemands, "", (*Server).showBehalf},
		{"POST /console/demands/new", whoMay, staff.HandleDemands, "/console/demands/new", (*Server).behalf},
		{"POST /console/demands/csv", whoMay, staff.HandleDemands, "/console/demands", (*Server).demandsFile},
		{"GET /console/demands/{service}/{demand}", whoMay, staff.HandleDemands, "", (*Server).demand},
		{"POST /console/demands/{service}/{demand}/assign", whoMay, staff.HandleDemands, "/console/demands/{service}/{demand}", (*Server).assignDemand},
		{"POST /console/demands/{service}/{demand}/help", whoMay, staff.HandleDemands, "/console/demands/{service}/{demand}", (*Server).helpDemand},
		{"POST /console/demands/{service}/{demand}/extend", whoMay, staff.HandleDemands, "/console/demands/{service}/{demand}", (*Server).extendDemand},
		{"POST /console/demands/{service}/{demand}/refuse", whoMay, staff.HandleDemands, "/console/demands/{service}/{demand}", (*Server).refuseDemand},
		{"POST /console/demands/{service}/{demand}/finish", whoMay, staff.HandleDemands, "/console/demands/{service}/{demand}", (*Server).finishDemand},
		{"POST /console/demands/{service}/{demand}/recall", whoMay, staff.HandleDemands, "/console/demands/{service}/{demand}", (*Server).recallDemand},
		{"GET /console/demands/{service}/{demand}/words", whoMay, staff.HandleDemands, "", (*Server).demandWords},
		{"POST /console/demands/{service}/{demand}/words", whoMay, staff.HandleDemands, "/console/demands/{service}/{demand}/words", (*Server).revealWords},
		{"POST /console/demands/{service}/{demand}/older", whoMay, staff.HandleDemands, "/console/demands/{service}/{demand}", (*Server).claimOlder},
		{"GET /console/births/{service}/{claim}", whoMay, staff.HandleDemands, "", (*Server).birth},
		{"POST /console/births/{service}/{claim}/approve", whoMay, staff.HandleDemands, "/console/births/{service}/{claim}", (*Server).approveOlder},
		{"POST /console/births/{service}/{claim}/refuse", whoMay, staff.HandleDemands, "/console/births/{service}/{claim}", (*Server).refuseOlder},
		{"GET /console/suspicions", whoMay, staff.SeeSuspicions, "", (*Server).suspicions},
		{"POST /console/suspicions/csv", freshlyMay, staff.SeeSuspicions, "/console/suspicions", (*Server).suspicionsFile},
		{"GET /console/suspicions/new", whoMay, staff.ReportSuspicions, "", (*Server).showReport},
		{"POST /console/suspicions/new", whoMay, staff.ReportSuspicions, "/console/suspicions/new", (*Server).report},
		{"GET /console/suspicions/{service}/{suspicion}", whoMay, staff.SeeSuspicions, "", (*Server).suspicion},
		{"POST /console/suspicions/{service}/{suspicion}/take", whoMay, staff.DecideSuspicions, "/console/suspicions/{service}/{suspicion}", (*Server).takeSuspicion},
		{"POST /console/suspicions/{service}/{suspicion}/hand", whoMay, staff.DecideSuspicions, "/console/suspicions/{service}/{suspicion}", (*Server).handSuspicion},
		{"POST /console/suspicions/{service}/{suspicion}/decide", whoMay, staff.DecideSuspicions, "/console/suspicions/{service}/{suspicion}", (*Server).decideSuspicion},
		{"GET /console/takedowns", whoMay, staff.SeeTakedowns, "", (*Server).takedowns},
		{"POST /console/takedowns/csv", freshlyMay, staff.SeeTakedowns, "/console/takedowns", (*Server).takedownsFile},
		{"GET /console/takedowns/new", whoMay, staff.ReportTakedowns, "", (*Server).showContent},
		{"POST /console/takedowns/new", whoMay, staff.ReportTakedowns, "/console/takedowns/new", (*Server).reportContent},
		{"GET /console/takedowns/{service}/{takedown}", whoMay, staff.SeeTakedowns, "", (*Server).takedown},
		{"POST /console/takedowns/{service}/{takedown}/take", whoMay, staff.DecideTakedowns, "/console/takedowns/{service}/{takedown}", (*Server).takeTakedown},
		{"POST /console/takedowns/{service}/{takedown}/decide", whoMay, staff.DecideTakedowns, "/console/takedowns/{service}/{takedown}", (*Server).decideTakedown},
		{"GET /console/incidents", whoMay, staff.SeeIncidents, "", (*Server).incidents},
		{"POST /console/incidents/csv", freshlyMay, staff.SeeIncidents, "/console/incidents", (*Server).incidentsFile},
		{"GET /console/incidents/new", whoMay, staff.OpenIncidents, "", (*Server).showIncidentNew},
		{"POST /console/incidents/new", whoMay, staff.OpenIncidents, "/console/incidents/new", (*Server).openIncident},
		{"GET /console/incidents/{service}/{incident}", whoMay, staff.SeeIncidents, "", (*Server).incident},
		{"POST /console/incidents/{service}/{incident}/words", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}", (*Server).readIncident},
		{"POST /console/incidents/{service}/{incident}/note", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}", (*Server).noteIncident},
		{"POST /console/incidents/{service}/{incident}/tick", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}", (*Server).tickIncident},
		{"POST /console/incidents/{service}/{incident}/contain", whoMay, staff.JudgeIncidents, "/console/incidents/{service}/{incident}", (*Server).containIncident},
		{"POST /console/incidents/{service}/{incident}/grade", whoMay, staff.JudgeIncidents, "/console/incidents/{service}/{incident}", (*Server).gradeIncident},
		{"GET /console/incidents/{service}/{incident}/notices", whoMay, staff.SeeIncidents, "", (*Server).notices},
		{"POST /console/incidents/{service}/{incident}/notices/draft", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}/notices", (*Server).draftNotice},
		{"GET /console/incidents/{service}/{incident}/notices/{notice}", whoMay, staff.SeeIncidents, "", (*Server).notice},
		{"POST /console/incidents/{service}/{incident}/notices/{notice}/confirm", whoMay, staff.JudgeIncidents, "/console/incidents/{service}/{incident}/notices/{notice}", (*Server).confirmNotice},
		{"POST /console/incidents/{service}/{incident}/notices/{notice}/pause", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}/notices/{notice}", onNotice(warning.Pause)},
		{"POST /console/incidents/{service}/{incident}/notices/{notice}/resume", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}/notices/{notice}", onNotice(warning.Resume)},
		{"POST /console/incidents/{service}/{incident}/notices/{notice}/extend", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}/notices/{notice}", onNotice(warning.Extend)},
		{"POST /console/incidents/{service}/{incident}/notices/{notice}/sheet", whoMay, staff.TellFamilies, "/console/incidents/{service}/{incident}/notices/{notice}", (*Server).showSheet},
		{"POST /console/incidents/{service}/{incident}/notices/{notice}/note", whoMay, staff.TellFamilies, "/console/incidents/{service}/{incident}/notices/{notice}", (*Server).noteTold},
		{"POST /console/incidents/{service}/{incident}/notices/{notice}/publish", whoMay, staff.JudgeIncidents, "/console/incidents/{service}/{incident}/notices/{notice}", (*Server).publishWarning},
		{"POST /console/incidents/{service}/{incident}/notices/{notice}/withdraw", whoMay, staff.JudgeIncidents, "/console/incidents/{service}/{incident}/notices/{notice}", onNotice(warning.Withdraw)},
		{"GET /console/incidents/{service}/{incident}/authority", whoMay, staff.SeeIncidents, "", (*Server).tellings},
		{"POST /console/incidents/{service}/{incident}/authority/draft", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}/authority", (*Server).draftReport},
		{"GET /console/incidents/{service}/{incident}/authority/{note}", whoMay, staff.WriteIncidents, "", (*Server).tellingOne},
		{"POST /console/incidents/{service}/{incident}/authority/{note}/send", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}/authority/{note}", (*Server).sendReport},
		{"POST /console/incidents/{service}/{incident}/authority/{note}/answer", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}/authority/{note}", (*Server).answerReport},
		{"POST /console/incidents/{service}/{incident}/authority/{note}/confirm", whoMay, staff.JudgeIncidents, "/console/incidents/{service}/{incident}/authority/{note}", (*Server).confirmSilence},
		{"POST /console/incidents/{service}/{incident}/authority/{note}/receipts/{receipt}", freshlyMay, staff.WriteIncidents, "/console/incidents", (*Server).reportReceipt},
		{"GET /console/incidents/{service}/{incident}/reach", whoMay, staff.SeeIncidents, "", (*Server).reached},
		{"POST /console/incidents/{service}/{incident}/reach/add", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}/reach", (*Server).addReached},
		{"POST /console/incidents/{service}/{incident}/reach/freeze", whoMay, staff.WriteIncidents, "/console/incidents/{service}/{incident}/reach", (*Server).freezeReached},
		{"POST /console/incidents/{service}/{incident}/reach/csv", freshlyMay, staff.WriteIncidents, "/console/incidents", (*Server).reachedFile},
		{"POST /console/incidents/{service}/{incident}/close", whoMay, staff.JudgeIncidents, "/console/incidents/{service}/{incident}", (*Server).closeIncident},
		{"GET /console/rectifications", whoMay, staff.SeeRectifications, "", (*Server).rectifications},
		{"POST /console/rectifications/csv", freshlyMay, staff.SeeRectifications, "/console/rectifications", (*Server).rectificationsFile},
		{"GET /console/rectifications/new", whoMay, staff.ManageRectifications, "", (*Server).showRectificationNew},
		{"POST /console/rectifications/new", whoMay, staff.ManageRectifications, "/console/rectifications/new", (*Server).recordRectification},
		{"GET /console/rectifications/{service}/{rectification}", whoMay, staff.SeeRectifications, "", (*Server).rectification},
		{"GET /console/rectifications/{service}/{rectification}/part", whoMay, staff.ManageRectifications, "", (*Server).showRectificationNew},
		{"POST /console/rectifications/{service}/{rectification}/part", whoMay, staff.ManageRectifications, "/console/rectifications/{service}/{rectification}/part", (*Server).recordRectification},
		{"POST /console/rectifications/{service}/{rectification}/words", freshlyMay, staff.SeeRectifications, "/console/rectifications", (*Server).readRectification},
		{"POST /console/rectifications/{service}/{rectification}/prove", whoMay, staff.ProveRectifications, "/console/rectifications/{service}/{rectification}", (*Server).proveRectification},
		{"POST /console/rectifications/{service}/{rectification}/confirm", whoMay, staff.ManageRectifications, "/console/rectifications/{service}/{rectification}", (*Server).confirmRectification},
		{"POST /console/rectifications/{service}/{rectification}/reopen", whoMay, staff.ManageRectifications, "/console/rectifications/{service}/{rectification}", (*Server).reopenRectification},
		{"POST /console/rectifications/{service}/{rectification}/postpone", whoMay, staff.ManageRectifications, "/console/rectifications/{service}/{rectification}", (*Server).postponeRectification},
		{"POST /console/rectifications/{service}/{rectification}/appeal", whoMay, staff.ManageRectifications, "/console/rectifications/{service}/{rectification}", (*Server).appealRectification},
		{"POST /console/rectifications/{service}/{rectification}/hand", whoMay, staff.ManageRectifications, "/console/rectifications/{service}/{rectification}", (*Server).handRectification},
		{"POST /console/rectifications/{service}/{rectification}/documents/{note}", freshlyMay, staff.SeeRectifications, "/console/rectifications", (*Server).rectificationDocument},
		{"GET /console/inspections", whoMay, staff.SeeInspections, "", (*Server).inspections},
		{"POST /console/inspections/csv", freshlyMay, staff.SeeInspections, "/console/inspections", (*Server).inspectionsFile},
		{"GET /console/inspections/new", whoMay, staff.InviteInspectors, "", (*Server).showInspectionNew},
		{"POST /console/inspections/new", whoMay, staff.InviteInspectors, "/console/inspections/new", (*Server).inviteInspector},
		{"GET /console/inspections/{service}/{inspection}", whoMay, staff.SeeInspections, "", (*Server).inspection},
		{"POST /console/inspections/{service}/{inspection}/code", whoMay, staff.ReceiveInspectors, "/console/inspections/{service}/{inspection}", (*Server).codeInspector},
		{"POST /console/inspections/{service}/{inspection}/end", whoMay, staff.ReceiveInspectors, "/console/inspections/{service}/{inspection}", (*Server).endInspection},
		{"GET /console/shields", whoMay, staff.SeeShields, "", (*Server).shields},
		{"POST /console/shields/csv", freshlyMay, staff.SeeShields, "/console/shields", (*Server).shieldsFile},
		{"GET /console/shields/new", whoMay, staff.AskShield, "", (*Server).showShieldNew},
		{"POST /console/shields/new", whoMay, staff.AskShield, "/console/shields/new", (*Server).askShield},
		{"GET /console/shields/{service}/{shield}", whoMay, staff.SeeShields, "", (*Server).shield},
		{"POST /console/shields/{service}/{shield}/words", whoMay, staff.DecideShield, "/console/shields/{service}/{shield}", (*Server).readShield},
		{"POST /console/shields/{service}/{shield}/raise", whoMay, staff.DecideShield, "/console/shields/{service}/{shield}", (*Server).raiseShield},
		{"POST /console/shields/{service}/{shield}/refuse", whoMay, staff.DecideShield, "/console/shields/{service}/{shield}", (*Server).refuseShield},
		{"POST /console/shields/{service}/{shield}/lift", whoMay, staff.DecideShield, "/console/shields/{service}/{shield}", (*Server).liftShield},
		{"GET /console/reports", whoMay, staff.SeeReports, "", (*Server).complaints},
		{"POST /console/reports/csv", freshlyMay, staff.SeeReports, "/console/reports", (*Server).complaintsFile},
		{"GET /console/reports/{service}/{complaint}", whoMay, staff.SeeReports, "", (*Server).complaint},
		{"POST /console/reports/{service}/{complaint}/words", whoMay, staff.HandleReports, "/console/reports/{service}/{complaint}", (*Server).readComplaint},
		{"POST /console/reports/{service}/{complaint}/file", whoMay, staff.HandleReports, "/console/reports/{service}/{complaint}", (*Server).complaintFile},
		{"POST /console/reports/{service}/{complaint}/acknowledge", whoMay, staff.HandleReports, "/console/reports/{service}/{complaint}", (*Server).acknowledgeComplaint},
		{"POST /console/reports/{service}/{complaint}/answer", whoMay, staff.HandleReports, "/console/reports/{service}/{complaint}", (*Server).answerComplaint},
		{"POST /console/reports/{service}/{complaint}/dismiss", whoMay, staff.HandleReports, "/console/reports/{service}/{complaint}", (*Server).dismissComplaint},
		{"POST /console/reports/{service}/{complaint}/link", whoMay, staff.HandleReports, "/console/reports/{service}/{complaint}", (*Server).linkComplaint},
		{"GET /console/streams", whoMay, staff.SeeStreams, "", (*Server).streams},
		{"POST /console/streams/csv", freshlyMay, staff.SeeStreams, "/console/streams", (*Server).streamsFile},
		{"GET /console/streams/{service}/new", whoMay, staff.SignStreams, "", (*Server).showStreamNew},
		{"POST /console/streams/{service}/new", whoMay, staff.SignStreams, "/console/streams/{service}/new", (*Server).registerStream},
		{"GET /console/streams/{service}/{stream}", whoMay, staff.SeeStreams, "", (*Server).stream},
		{"GET /console/streams/{service}/{stream}/test", whoMay, staff.TestStreams, "", (*Server).showStreamTest},
		{"POST /console/streams/{service}/{stream}/test", whoMay, staff.TestStreams, "/console/streams/{service}/{stream}/test", (*Server).testStream},
		{"POST /console/streams/{service}/{stream}/cover", whoMay, staff.SignStreams, "/console/streams/{service}/{stream}", (*Server).coverStream},
		{"POST /console/streams/{service}/{stream}/stop", whoMay, staff.SignStreams, "/console/streams/{service}/{stream}", (*Server).stopStream},
		{"GET /console/evidence", whoMay, staff.SeeEvidence, "", (*Server).toJudge},
		{"POST /console/evidence/csv", freshlyMay, staff.SeeEvidence, "/console/evidence", (*Server).evidenceFile},
		{"GET /console/evidence/{service}/{attempt}", whoMay, staff.SeeEvidence, "", (*Server).document},
		{"GET /console/evidence/{service}/{attempt}/view", whoMay, staff.JudgeEvidence, "", (*Server).watchDocument},
		{"POST /console/evidence/{service}/{attempt}/view", whoMay, staff.JudgeEvidence, "/console/evidence/{service}/{attempt}/view", (*Server).revealDocument},
		{"POST /console/evidence/{service}/{attempt}/approve", whoMay, staff.JudgeEvidence, "/console/evidence/{service}/{attempt}", (*Server).approveDocument},
		{"POST /console/evidence/{service}/{attempt}/refuse", whoMay, staff.JudgeEvidence, "/console/evidence/{service}/{attempt}", (*Server).refuseDocument},

		{"GET /console/charters", whoMay, staff.SeeCharters, "", (*Server).charters},
		{"GET /console/charters/{service}", whoMay, staff.SeeCharters, "", (*Server).charter},
		{"GET /console/charters/{service}/new", whoMay, staff.ProposeCharter, "", (*Server).showDraft},
		{"POST /console/charters/{service}/new", whoMay, staff.ProposeCharter, "/console/charters/{service}/new", (*Server).draft},
		{"GET /console/charters/{service}/{version}", whoMay, staff.SeeCharters, "", (*Server).version},
		{"POST /console/charters/{service}/{version}/decide", whoMay, staff.PublishCharter, "/console/charters/{service}/{version}", (*Server).decideCharter},
		{"POST /console/charters/{service}/{version}/takeback", whoMay, staff.ProposeCharter, "/console/charters/{service}/{version}", (*Server).takeBackCharter},
		{"GET /console/register", whoMay, staff.SeeCharters, "", (*Server).registers},
		{"GET /console/register/{service}", whoMay, staff.SeeCharters, "", (*Server).register},
		{"POST /console/register/csv", freshlyMay, staff.SeeCharters, "/console/register", (*Server).registerFile},
		{"GET /console/charters/{service}/{version}/impact/{purpose}", whoMay, staff.SeeImpacts, "", (*Server).impact},
		{"POST /console/charters/{service}/{version}/impact/{purpose}", whoMay, staff.SignImpacts, "/console/charters/{service}/{version}/impact/{purpose}", (*Server).signImpact},
		{"GET /console/parties", whoMay, staff.SeeParties, "", (*Server).parties},
		{"POST /console/parties/csv", freshlyMay, staff.SeeParties, "/console/parties", (*Server).partiesFile},
		{"GET /console/orders", whoMay, staff.SeeParties, "", (*Server).orders},
		{"POST /console/orders/csv", freshlyMay, staff.SeeParties, "/console/orders", (*Server).ordersFile},
		{"GET /console/orders/{service}/{order}", whoMay, staff.SeeParties, "", (*Server).order},
		{"GET /console/yearly", whoMay, staff.SeeYearly, "", (*Server).audits},
		{"POST /console/yearly/csv", freshlyMay, staff.SeeYearly, "/console/yearly", (*Server).auditsFile},
		{"GET /console/yearly/{service}/{year}", whoMay, staff.SeeYearly, "", (*Server).audit},
		{"POST /console/yearly/{service}/{year}", whoMay, staff.FileYearly, "/console/yearly/{service}/{year}", (*Server).fileAudit},
		{"GET /console/yearly/{service}/{year}/new", whoMay, staff.FileYearly, "", (*Server).showPackNew},
		{"POST /console/yearly/{service}/{year}/new", whoMay, staff.FileYearly, "/console/yearly/{service}/{year}/new", (*Server).drawPack},
		{"GET /console/yearly/{service}/{year}/packs/{note}", whoMay, staff.SeeYearly, "", (*Server).pack},
		{"POST /console/yearly/{service}/{year}/packs/{note}/zip", freshlyMay, staff.SeeYearly, "/console/yearly/{service}/{year}/packs/{note}", (*Server).packFile},
		{"POST /console/yearly/{service}/{year}/receipts/{note}", freshlyMay, staff.SeeYearly, "/console/yearly/{service}/{year}", (*Server).auditReceipt},
		{"GET /console/bundles", whoMay, staff.SeeBundles, "", (*Server).bundles},
		{"POST /console/bundles", whoMay, staff.MakeBundles, "/console/bundles", (*Server).askBundle},
		{"POST /console/bundles/{bundle}", freshlyMay, staff.SeeBundles, "/console/bundles", (*Server).takeBundle},
		{"GET /console/borders", whoMay, staff.SeeParties, "", (*Server).borders},
		{"POST /console/borders/csv", freshlyMay, staff.SeeParties, "/console/borders", (*Server).bordersFile},
		{"GET /console/parties/{service}/{role}/{party}", whoMay, staff.SeeParties, "", (*Server).party},
		{"GET /console/parties/{service}/{role}/{party}/{form}", whoMay, staff.SignParties, "", (*Server).showPartyForm},
		{"POST /console/parties/{service}/{role}/{party}/{form}", whoMay, staff.SignParties, "/console/parties/{service}/{role}/{party}/{form}", (*Server).signPartyForm},
		{"GET /console/parties/{service}/{role}/{party}/keys", whoMay, staff.SeeParties, "", (*Server).partyKeys},
		{"POST /console/parties/{service}/{role}/{party}/keys", whoMay, staff.SignParties, "/console/parties/{service}/{role}/{party}/keys", (*Server).bindPartyKey},
		{"POST /console/parties/{service}/{role}/{party}/keys/revoke", whoMay, staff.SignParties, "/console/parties/{service}/{role}/{party}/keys", (*Server).revokePartyKey},
		{"POST /console/parties/{service}/{role}/{party}/suspend", whoMay, staff.SignParties, "/console/parties/{service}/{role}/{party}", (*Server).suspendParty},
		{"POST /console/parties/{service}/{role}/{party}/resume", whoMay, staff.SignParties, "/console/parties/{service}/{role}/{party}", (*Server).resumeParty},
		{"POST /console/parties/{service}/{role}/{party}/declare", whoMay, staff.SignParties, "/console/parties/{service}/{role}/{party}", (*Server).declareParty},
		{"POST /console/parties/{service}/{role}/{party}/seats", whoMay, staff.SignParties, "/console/parties/{service}/{role}/{party}", (*Server).giveSeat},
		{"POST /console/parties/{service}/{role}/{party}/seats/take", whoMay, staff.SignParties, "/console/parties/{service}/{role}/{party}", (*Server).takeSeat},
		{"POST /console/parties/{service}/{role}/{party}/end", whoMay, staff.SignParties, "/console/parties/{service}/{role}/{party}", (*Server).endParty},
		{"GET /console/offices", whoMay, staff.SeeOffice, "", (*Server).offices},
		{"GET /console/offices/{service}", whoMay, staff.SeeOffice, "", (*Server).office},
		{"POST /console/offices/{service}/records/{record}", freshlyMay, staff.SeeOffice, "/console/offices/{service}", (*Server).officeFile},
		{"POST /console/offices/{service}/fill", whoMay, staff.ManageOffice, "/console/offices/{service}", (*Server).fillOffice},
		{"POST /console/offices/{service}/handover", whoMay, staff.ManageOffice, "/console/offices/{service}", (*Server).handOverOffice},
		{"POST /console/offices/{service}/laydown", whoMay, staff.ManageOffice, "/console/offices/{service}", (*Server).layDownOffice},
		{"POST /console/offices/{service}/contact", whoMay, staff.ManageOffice, "/console/offices/{service}", (*Server).reachOfficer},
		{"POST /console/offices/{service}/plan", whoMay, staff.ManageOffice, "/console/offices/{service}", (*Server).adoptPlan},
		{"POST /console/offices/{service}/records", whoMay, staff.ManageOffice, "/console/offices/{service}", (*Server).recordOfficer},

		{"GET /console/ledger", whoMay, staff.SeeLedger, "", (*Server).ledger},
		{"POST /console/ledger/child", whoMay, staff.SeeLedger, "/console/ledger", (*Server).ledgerChild},
		{"GET /console/ledger/entries/{place}", whoMay, staff.SeeLedger, "", (*Server).entry},
		{"GET /console/ledger/entries/{place}/proof", whoMay, staff.SeeLedger, "", (*Server).proof},
		{"POST /console/ledger/entries/{place}/file", freshlyMay, staff.SeeLedger, "/console/ledger/entries/{place}", (*Server).evidence},
		{"GET /console/ledger/checkpoint", whoMay, staff.SeeLedger, "", (*Server).checkpoint},
		{"POST /console/ledger/checkpoint", whoMay, staff.SeeLedger, "/console/ledger/checkpoint", (*Server).compareCheckpoint},
		{"POST /console/ledger/csv", freshlyMay, staff.SeeLedger, "/console/ledger", (*Server).ledgerFile},
		{"POST /console/access/csv", freshlyMay, staff.AskAccess, "/console/access", (*Server).accessFile},
		{"POST /console/decisions/csv", whoMay, staff.DecideAccess, "/console/decisions", (*Server).decisionsFile},
		{"POST /console/people/csv", freshlyMay, staff.SeePeople, "/console/people", (*Server).peopleFile},
		{"POST /console/charters/csv", freshlyMay, staff.SeeCharters, "/console/charters", (*Server).chartersFile},
		{"POST /console/due/csv", freshlyMay, staff.SeeDue, "/console/due", (*Server).dueFile},
		{"POST /console/board/csv", freshlyMay, staff.SeeBoard, "/console/board", (*Server).boardFile},
		{"POST /console/urgent/csv", freshlyMay, staff.AskAccess, "/console/urgent", (*Server).urgentFile},
		{"POST /console/reviews/csv", whoMay, staff.ReviewAccess, "/console/reviews", (*Server).reviewsFile},
		{"POST /console/offices/csv", freshlyMay, staff.SeeOffice, "/console/offices", (*Server).officesFile},
		{"POST /console/records/csv", freshlyMay, staff.SeeOffice, "/console/offices", (*Server).recordsFile},
		{"POST /console/apps/csv", freshlyMay, staff.SeeSystem, "/console/settings", (*Server).appsFile},
		{"POST /console/receivers/csv", freshlyMay, staff.SeeSystem, "/console/settings", (*Server).receiversFile},
		{"POST /console/deliveries/csv", freshlyMay, staff.SeeSystem, "/console/settings", (*Server).deliveriesFile},
		{"POST /console/services/csv", freshlyMay, staff.SeeSystem, "/console/settings", (*Server).servicesFile},
		{"POST /console/health/csv", freshlyMay, staff.SeeSystem, "/console/settings", (*Server).healthFile},
		{"POST /console/keyring/csv", freshlyMay, staff.SeeSystem, "/console/settings/system", (*Server).keysFile},
		{"POST /console/queues/csv", freshlyMay, staff.SeeSystem, "/console/settings/system", (*Server).queuesFile},
		{"GET /console/files", signedIn, "", "", (*Server).files},
		{"POST /console/filters", signedIn, "", "/console", (*Server).keepFilter},
		{"POST /console/filters/forget", signedIn, "", "/console", (*Server).forgetFilter},
		{"GET /console/search", signedIn, "", "", (*Server).showSearch},
		{"POST /console/search", signedIn, "", "/console/search", (*Server).search},
		{"GET /console/keys", signedIn, "", "", (*Server).keys},

		{"GET /console/settings", whoMay, staff.SeeSystem, "", (*Server).settings},
		{"GET /console/settings/system", whoMay, staff.SeeSystem, "", (*Server).system},
		{"POST /console/settings/system/rotate", whoMay, staff.ManageSystem, "/console/settings/system", (*Server).rotateKeys},
		{"POST /console/settings/system/test", whoMay, staff.ManageSystem, "/console/settings/system", (*Server).testChannel},
		{"GET /console/settings/services/{service}", whoMay, staff.SeeSystem, "", (*Server).serviceSettings},
		{"POST /console/settings/services/{service}/apps", whoMay, staff.ManageCredentials, "/console/settings/services/{service}", (*Server).issueKey},
		{"GET /console/settings/services/{service}/apps/{app}", whoMay, staff.SeeSystem, "", (*Server).app},
		{"POST /console/settings/services/{service}/apps/{app}/rotate", whoMay, staff.ManageCredentials, "/console/settings/services/{service}/apps/{app}", (*Server).rotateKey},
		{"POST /console/settings/services/{service}/apps/{app}/revoke", whoMay, staff.ManageCredentials, "/console/settings/services/{service}/apps/{app}", (*Server).revokeKey},
		{"POST /console/settings/services/{service}/webhooks", whoMay, staff.ManageWebhooks, "/console/settings/services/{service}", (*Server).addHook},
		{"GET /console/settings/services/{service}/webhooks/{endpoint}", whoMay, staff.SeeSystem, "", (*Server).hook},
		{"POST /console/settings/services/{service}/webhooks/{endpoint}/change", whoMay, staff.ManageWebhooks, "/console/settings/services/{service}/webhooks/{endpoint}", (*Server).changeHook},
		{"POST /console/settings/services/{service}/webhooks/{endpoint}/rotate", whoMay, staff.ManageWebhooks, "/console/settings/services/{service}/webhooks/{endpoint}", (*Server).rotateHook},
		{"POST /console/settings/services/{service}/webhooks/{endpoint}/pause", whoMay, staff.ManageWebhooks, "/console/settings/services/{service}/webhooks/{endpoint}", (*Server).pauseHook},
		{"POST /console/settings/services/{service}/webhooks/{endpoint}/resume", whoMay, staff.ManageWebhooks, "/console/settings/services/{service}/webhooks/{endpoint}", (*Server).resumeHook},
		{"POST /console/settings/services/{service}/webhooks/{endpoint}/replay", whoMay, staff.ManageWebhooks, "/console/settings/services/{service}/webhooks/{endpoint}", (*Server).replayHook},
		{"POST /console/settings/services/{service}/webhooks/{endpoint}/remove", whoMay, staff.ManageWebhooks, "/console/settings/services/{service}", (*Server).removeHook},
		{"GET /console/jobs/{rest...}", whoMay, staff.ManageSystem, "", (*Server).jobs},
		{"POST /console/jobs/api/jobs/retry", whoMay, staff.ManageSystem, "/console/settings/system", (*Server).retryJobs},
		{"POST /console/jobs/api/jobs/cancel", whoMay, staff.ManageSystem, "/console/settings/system", (*Server).onlyAgain},
		{"POST /console/jobs/api/jobs/delete", whoMay, staff.ManageSystem, "/console/settings/system", (*Server).onlyAgain},

		{"GET /console/account", signedIn, "", "", (*Server).account},
		{"POST /console/account/end", freshlyIn, "", "/console/account", (*Server).endSession},
		{"POST /console/account/renew", freshlyIn, "", "/console/account", (*Server).renew},
		{"POST /console/account/passkeys/offer", freshlyIn, "", "/console/account", (*Server).offerPasskey},
		{"POST /console/account/passkeys", freshlyIn, "", "/console/account", (*Server).addPasskey},
		{"POST /console/account/passkeys/remove", freshlyIn, "", "/console/account", (*Server).removePasskey},
		{"POST /console/account/key", freshlyIn, "", "/console/account", (*Server).setKey},
		{"POST /console/account/key/end", freshlyIn, "", "/console/account", (*Server).endKey},
		{"POST /console/account/reach", freshlyIn, "", "/console/account", (*Server).setReach},
		{"POST /console/account/reach/end", freshlyIn, "", "/console/account", (*Server).endReach},
		{"GET /console/again", signedIn, "", "", (*Server).showAgain},
		{"POST /console/again", signedIn, "", "/console/again", (*Server).again},
		{"POST /console/again/ask", signedIn, "", "/console/again", (*Server).askAgain},
		{"POST /console/again/passkey", signedIn, "", "/console/again", (*Server).againByPasskey},
		{"GET /console/again/provider", signedIn, "", "/console/again", (*Server).askProviderAgain},
		{"POST /console/out", signedIn, "", "/console", (*Server).signOut},
	}
}

// ofAll reports whether the route shows or runs the whole installation, and not one
// service: it asks for the role in every service that there is.
func (r route) ofAll() bool {
	switch r.pattern {
	case "GET /console/settings/system", "POST /console/health/csv", "POST /console/keyring/csv", "POST /console/queues/csv":
		return true
	}
	return r.action == staff.ManageSystem || r.action == staff.SeeBundles || r.action == staff.MakeBundles
}

// shut reports whether the route is shut to whoever is suspended: all are by which the person
// does more than look after its own account. What shows a value, or has it leave, the gate
// denies, and its entry says so.
func (r route) shut() bool {
	switch r.pattern {
	case "POST /console/access/requests/{service}/{request}/view", "POST /console/access/requests/{service}/{request}/export":
		return false
	case "POST /console/search": // which finds children
		return true
	}
	return r.action != ""
}

// pagesAt has the paths at which there is a page.
var pagesAt struct {
	once sync.Once
	at   map[string]bool
}

func hasPage(path string) bool {
	pagesAt.once.Do(func() {
		pagesAt.at = make(map[string]bool)
		for _, r := range table() {
			if at, page := strings.CutPrefix(r.pattern, "GET "); page {
				pagesAt.at[at] = true
			}
		}
	})
	return pagesAt.at[path]
}

// A Route is what is said of a route outside: its pattern, and the action that it takes,
// or "" where the matrix has no say.
type Route struct {
	Pattern string
	Action  staff.Action
}

// Routes returns all routes.
func Routes() (all []Route) {
	for _, r := range table() {
		all = append(all, Route{r.pattern, r.action})
	}
	return all
}
