package console

import (
	"slices"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/assistance"
	"wardkeep/internal/authority"
	"wardkeep/internal/backup"
	"wardkeep/internal/catalog"
	"wardkeep/internal/complaint"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/incident"
	"wardkeep/internal/inspection"
	"wardkeep/internal/legal"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/publication"
	"wardkeep/internal/rectification"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/shield"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
	"wardkeep/internal/vault"
	"wardkeep/internal/verification"
	"wardkeep/internal/warning"
	"wardkeep/internal/webhook"
	"wardkeep/internal/yearly"
)

// A kindOf is a kind of ledger entries, and the articles that entries of it are evidence
// for.
type kindOf struct {
	kind     string
	articles []int
}

// kinds are all kinds of entries, in the order in which they are offered. What each is in
// words is a message: console.kind and its name. TestEveryKindHasArticlesAndWords finds
// one that isn't here.
var kinds = []kindOf{
	{catalog.KindCreated, []int{8}},
	{catalog.KindProposed, []int{8, 9}},
	{catalog.KindPublished, []int{8, 9, 10}},
	{catalog.KindRecalled, []int{8, 9}},
	{catalog.KindApproved, []int{8, 9}},
	{catalog.KindRefused, []int{8, 9}},
	{catalog.KindTakenBack, []int{8, 9}},
	{catalog.KindAppointed, []int{8}},
	{catalog.KindEnded, []int{8}},
	{catalog.KindReached, []int{8}},
	{catalog.KindRecorded, []int{8, 21}},
	{catalog.KindAssessed, []int{7}},
	{catalog.KindCeasing, []int{23}},
	{catalog.KindCeased, []int{23}},
	{catalog.KindSuspended, []int{16, 17}},
	{catalog.KindResumed, []int{16, 17}},
	{party.KindRegistered, []int{16, 17}},
	{party.KindAssessed, []int{16, 17}},
	{party.KindAgreed, []int{16}},
	{party.KindFiled, []int{16, 17}},
	{party.KindHalted, []int{16, 17}},
	{party.KindContinued, []int{16, 17}},
	{party.KindDeclared, []int{16}},
	{party.KindEnded, []int{16, 17}},
	{party.KindParted, []int{16, 17}},
	{party.KindNarrowed, []int{16, 17, 20}},
	{party.KindTrimmed, []int{16, 17, 20}},
	{party.KindBound, []int{16, 17}},
	{party.KindRevoked, []int{16, 17}},
	{party.KindSeated, []int{16, 17}},
	{party.KindUnseated, []int{16, 17}},
	{party.KindChecked, []int{16}},
	{party.KindAlarm, []int{16, 17}},

	{account.KindIssued, []int{15}},
	{account.KindRevoked, []int{15}},

	{family.KindRegistered, []int{2}},
	{family.KindCorrected, []int{19}},
	{family.KindFrozen, []int{9}},
	{family.KindUnfrozen, []int{9}},
	{family.KindDisputed, []int{9}},
	{family.KindSettled, []int{9}},
	{family.KindTurning, []int{2}},
	{family.KindTurned, []int{2}},
	{family.KindGrown, []int{2}},
	{family.KindCeasing, []int{23}},
	{family.KindInactive, []int{12}},
	{family.KindHandedOver, []int{17, 23}},
	{family.KindErased, []int{20}},
	{family.KindGuardianAdded, []int{9}},
	{family.KindGuardianVerified, []int{9}},
	{family.KindGuardianEnded, []int{9}},
	{family.KindGuardianProved, []int{9}},
	{family.KindProofExpired, []int{9}},

	{verification.KindStarted, []int{9}},
	{verification.KindSucceeded, []int{9}},
	{verification.KindFailed, []int{9}},
	{verification.KindSeen, []int{9, 15}},
	{verification.KindApproved, []int{9, 15}},

	{consent.KindRequested, []int{9, 10}},
	{consent.KindSent, []int{9}},
	{consent.KindOpened, []int{9, 10}},
	{consent.KindVerified, []int{9}},
	{consent.KindExpired, []int{9}},
	{consent.KindCancelled, []int{9}},
	{consent.KindGranted, []int{9, 10, 14}},
	{consent.KindRefused, []int{9, 10}},
	{consent.KindWithdrawn, []int{9, 20}},

	{gate.KindPermitted, []int{7, 11, 14, 15}},
	{gate.KindDenied, []int{7, 11, 14, 15}},
	{gate.KindReleased, []int{16, 17}},
	{gate.KindWithheld, []int{16, 17}},
	{vault.KindFetched, []int{16, 17}},
	{vault.KindDelivered, []int{16, 17}},
	{vault.KindDropped, []int{16, 17}},
	{gate.KindViewed, []int{19, 22}},
	{gate.KindViewDenied, []int{19, 22}},
	{gate.KindCopied, []int{19, 22}},
	{gate.KindCopyDenied, []int{19, 22}},
	{gate.KindPorted, []int{17, 19, 22}},
	{gate.KindPortDenied, []int{17, 19, 22}},

	{vault.KindCollected, []int{11, 12, 13}},
	{vault.KindKept, []int{12}},
	{vault.KindErased, []int{12, 20}},
	{vault.KindSwept, []int{12}},
	{vault.KindEvent, []int{12}},

	{shield.KindAsked, []int{1, 15}},
	{shield.KindShown, []int{1, 15}},
	{shield.KindRaised, []int{1, 15}},
	{shield.KindRefused, []int{1, 15}},
	{shield.KindLifted, []int{1, 15}},
	{shield.KindOver, []int{1, 15}},

	{rights.KindReceived, []int{19, 20}},
	{rights.KindConfirmed, []int{20}},
	{rights.KindAssigned, []int{19, 20}},
	{rights.KindShown, []int{15, 19}},
	{rights.KindTold, []int{20}},
	{rights.KindExtended, []int{19, 20}},
	{rights.KindDone, []int{19, 20}},
	{rights.KindRefused, []int{19, 20}},
	{rights.KindCancelled, []int{19, 20}},
	{rights.KindRecalled, []int{17, 19, 22}},
	{rights.KindClaimed, []int{2, 19}},
	{rights.KindClaimRefused, []int{2, 19}},
	{rights.KindClaimExpired, []int{2, 19}},

	{order.KindIssued, []int{16, 17, 20}},
	{order.KindAttested, []int{16, 17, 20}},
	{order.KindReminded, []int{16, 17, 20}},
	{order.KindOverdue, []int{16, 17, 20}},
	{order.KindStated, []int{16, 17, 20}},

	{legal.KindApproved, []int{12, 20}},
	{legal.KindEnded, []int{12, 20}},
	{legal.KindKept, []int{12, 20}},
	{legal.KindErased, []int{12, 20}},

	{suspicion.KindOpened, []int{2, 28}},
	{suspicion.KindTaken, []int{2, 28}},
	{suspicion.KindDecided, []int{2, 28}},
	{takedown.KindOpened, []int{4}},
	{takedown.KindTaken, []int{4}},
	{takedown.KindDecided, []int{4}},
	{takedown.KindDone, []int{4}},
	{takedown.KindLapsed, []int{4}},
	{stream.KindRegistered, []int{28}},
	{stream.KindTested, []int{28}},
	{stream.KindFlipped, []int{28}},
	{stream.KindEnded, []int{28}},
	{assistance.KindAsked, []int{16, 19}},
	{assistance.KindAnswered, []int{16, 19}},
	{incident.KindOpened, []int{16, 21}},
	{incident.KindNoted, []int{21}},
	{incident.KindGraded, []int{21}},
	{incident.KindClosed, []int{21}},
	{incident.KindRead, []int{21}},
	{incident.KindContained, []int{21}},
	{incident.KindPlanned, []int{21}},
	{incident.KindTicked, []int{21}},
	{incident.KindAsked, []int{21}},
	{incident.KindReached, []int{21}},
	{incident.KindCarriedOut, []int{21}},
	{incident.KindAnswered, []int{21}},
	{incident.KindFrozen, []int{21}},
	{authority.KindDrafted, []int{21}},
	{authority.KindSent, []int{21}},
	{authority.KindConfirmed, []int{21}},
	{authority.KindAnswered, []int{21}},
	{warning.KindDrafted, []int{21}},
	{warning.KindConfirmed, []int{21}},
	{warning.KindPaused, []int{21}},
	{warning.KindResumed, []int{21}},
	{warning.KindExtended, []int{21}},
	{warning.KindPrepared, []int{21}},
	{warning.KindTold, []int{21}},
	{warning.KindListed, []int{15, 21}},
	{warning.KindPublished, []int{21}},
	{warning.KindWithdrawn, []int{21}},
	{complaint.KindReceived, []int{10, 24}},
	{complaint.KindAdded, []int{24}},
	{complaint.KindReopened, []int{24}},
	{complaint.KindRead, []int{15, 24}},
	{complaint.KindAcknowledged, []int{24}},
	{complaint.KindAnswered, []int{24}},
	{complaint.KindDismissed, []int{24}},
	{complaint.KindLinked, []int{24}},
	{complaint.KindReminded, []int{24}},
	{complaint.KindErased, []int{12, 24}},
	{rectification.KindRecorded, []int{25, 26, 27}},
	{rectification.KindHanded, []int{25, 26, 27}},
	{rectification.KindPostponed, []int{25, 26, 27}},
	{rectification.KindAppealed, []int{26}},
	{rectification.KindProved, []int{25, 26, 27}},
	{rectification.KindConfirmed, []int{25, 26, 27}},
	{rectification.KindReopened, []int{25, 26, 27}},
	{rectification.KindReminded, []int{25, 26, 27}},
	{rectification.KindRead, []int{15, 25}},
	{yearly.KindFiled, []int{22}},
	{inspection.KindInvited, []int{22}},
	{inspection.KindCoded, []int{22}},
	{inspection.KindEntered, []int{22}},
	{inspection.KindFailed, []int{22}},
	{inspection.KindLooked, []int{15, 22}},
	{inspection.KindLeft, []int{22}},
	{inspection.KindShut, []int{22}},
	{inspection.KindEnded, []int{22}},
	{yearly.KindDrawn, []int{22}},

	{approval.KindAsked, []int{15}},
	{approval.KindAgreed, []int{15}},
	{approval.KindGranted, []int{15}},
	{approval.KindNarrowed, []int{15}},
	{approval.KindRefused, []int{15}},
	{approval.KindEnded, []int{15}},
	{approval.KindForeign, []int{18}},
	{approval.KindReleased, []int{18}},
	{approval.KindTold, []int{18}},
	{approval.KindBroken, []int{15}},
	{approval.KindReviewed, []int{15}},
	{approval.KindReviewLate, []int{15}},
	{approval.KindAlarm, []int{15}},
	{gate.KindCompared, []int{4}},
	{gate.KindCompareRefused, []int{4}},
	{publication.KindAlarm, []int{4, 15}},
	{approval.KindSearched, []int{15}},
	{approval.KindDecoy, []int{15}},
	{approval.KindDecoyEnded, []int{15}},

	{staff.KindAdded, []int{15}},
	{staff.KindGranted, []int{8, 15}},
	{staff.KindRevoked, []int{8, 15}},
	{staff.KindLeft, []int{15}},
	{staff.KindTried, []int{15}},
	{staff.KindConfirmed, []int{15}},
	{staff.KindLocated, []int{3, 15}},
	{staff.KindOperated, []int{13, 15}},
	{staff.KindExported, []int{15}},
	{staff.KindAtTerminal, []int{13, 15}},
	{staff.KindEvidence, []int{22}},
	{staff.KindRecipient, []int{13, 15}},
	{staff.KindRecipientEnded, []int{13, 15}},
	{staff.KindReached, []int{15}},
	{staff.KindUnreached, []int{15}},

	{signin.KindInvited, []int{15}},
	{signin.KindSetUp, []int{15}},
	{signin.KindOpened, []int{15}},
	{signin.KindFailed, []int{15}},
	{signin.KindLocked, []int{15}},
	{signin.KindSteppedUp, []int{15}},
	{signin.KindEnded, []int{15}},
	{signin.KindReset, []int{15}},
	{signin.KindPasskeyAdded, []int{15}},
	{signin.KindPasskeyRemoved, []int{15}},
	{signin.KindLinked, []int{15}},

	{session.KindOpened, []int{9}},
	{session.KindEnded, []int{9}},
	{session.KindAdded, []int{9}},
	{session.KindRemoved, []int{9}},

	{webhook.KindAdded, []int{15}},
	{webhook.KindRotated, []int{15}},
	{webhook.KindRemoved, []int{15}},
	{webhook.KindChanged, []int{15}},
	{webhook.KindPaused, []int{15}},
	{webhook.KindResumed, []int{15}},
	{webhook.KindReplayed, []int{15}},

	{backup.KindMade, []int{13}},
	{backup.KindGone, []int{12, 20}},
	{backup.KindRestored, []int{13}},
	{backup.KindReplayed, []int{20}},
}

// kindsOf returns the kinds that are evidence for an article.
func kindsOf(article int) (all []string) {
	for _, k := range kinds {
		if slices.Contains(k.articles, article) {
			all = append(all, k.kind)
		}
	}
	return all
}

// articlesOf returns the articles that an entry of that kind is evidence for.
func articlesOf(kind string) []int {
	i := slices.IndexFunc(kinds, func(k kindOf) bool { return k.kind == kind })
	if i < 0 {
		return nil
	}
	return kinds[i].articles
}

// evidenced are the articles for which there are kinds, in order.
func evidenced() (all []int) {
	for _, k := range kinds {
		all = append(all, k.articles...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
