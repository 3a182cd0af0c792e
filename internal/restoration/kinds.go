package restoration

import (
	"cmp"

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
	"wardkeep/internal/ledger"
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

// A reading takes from an entry what must hold: of a child, or of the rest.
type reading struct {
	child func(c *child, p ledger.Placed) error
	rest  func(g *gap, p ledger.Placed) error
}

// readings are the kinds of which something is done again. Every other kind is in
// additions, with why nothing is, or is unknown; and then the child is frozen or the
// service's gate closed.
var readings = map[string]reading{
	family.KindErased: of(func(c *child, _ ledger.Placed, b family.ErasedBody) {
		if c.erased != nil { // for the second time, in a store that was put back before
			b.Refused = max(b.Refused, c.erased.Refused)
		}
		c.erased = &b
	}),
	vault.KindErased: of(func(c *child, _ ledger.Placed, b vault.ErasedBody) {
		for _, item := range b.Items {
			if !c.kept[item] { // else what is held here is what was kept before
				c.items[item] = b.Ground
			}
		}
	}),
	vault.KindEvent:          of(func(c *child, _ ledger.Placed, b vault.EventBody) { c.events = append(c.events, b) }),
	family.KindFrozen:        of(func(c *child, _ ledger.Placed, _ family.FrozenBody) { c.frozen = true }),
	family.KindUnfrozen:      of(func(c *child, _ ledger.Placed, _ family.UnfrozenBody) { c.frozen = false }),
	family.KindDisputed:      of(func(c *child, _ ledger.Placed, _ family.DisputedBody) { c.disputed = true }),
	family.KindSettled:       of(func(c *child, _ ledger.Placed, _ family.SettledBody) { c.disputed = false }),
	family.KindCorrected:     of(func(c *child, _ ledger.Placed, _ family.CorrectedBody) { c.unclear = true }), // by the date that is held, the child may be no child
	family.KindHandedOver:    of(func(c *child, _ ledger.Placed, b family.HandedOverBody) { c.handed = cmp.Or(c.handed, &b) }),
	family.KindGuardianEnded: of(func(c *child, _ ledger.Placed, b family.GuardianEndedBody) { c.ended = append(c.ended, b.Guardian) }),
	family.KindGuardianVerified: of(func(c *child, p ledger.Placed, b family.GuardianVerifiedBody) {
		c.unproved[b.Guardian] = b.Strength == family.Unproved
	}),
	consent.KindRefused:   answer,
	consent.KindWithdrawn: answer,
	consent.KindGranted:   answer,
	consent.KindCancelled: of(func(c *child, _ ledger.Placed, b consent.RequestBody) { c.cancelled = append(c.cancelled, b.Request) }),

	rights.KindReceived: of(func(c *child, p ledger.Placed, b rights.ReceivedBody) {
		d := c.demand(b.Request)
		d.received, d.at, d.erase, d.entries = &b, p.At, b.Erase, append(d.entries, p.ID)
	}),
	rights.KindConfirmed: of(func(c *child, p ledger.Placed, b rights.ConfirmedBody) {
		d := c.demand(b.Request)
		d.door, d.guardian, d.erase, d.entries = b.Door, b.Guardian, b.Erase, append(d.entries, p.ID)
	}),
	shield.KindRaised: of(func(c *child, _ ledger.Placed, b shield.RaisedBody) {
		c.shields = append(c.shields, shieldStep{raised: &b})
		for _, d := range c.demands { // what it demanded to erase waits for the office
			if r := d.received; d.door == rights.ByGuardian && d.guardian == b.Guardian || d.door == "" && r != nil && r.Door == rights.ByGuardian && r.Guardian == b.Guardian {
				d.erase = 0
			}
		}
	}),
	shield.KindLifted: of(func(c *child, _ ledger.Placed, b shield.LiftedBody) {
		c.shields = append(c.shields, shieldStep{lifted: b.Shield})
	}),

	rights.KindDone:      demandEnded(rights.Done),
	rights.KindRefused:   demandEnded(rights.Refused),
	rights.KindCancelled: demandEnded(rights.Cancelled),
	rights.KindRecalled:  of(func(c *child, _ ledger.Placed, b rights.RecalledBody) { c.ports = append(c.ports, b.Request) }),
	gate.KindPorted:      of(func(c *child, _ ledger.Placed, b gate.AccessBody) { c.ports = append(c.ports, b.Demand) }),

	approval.KindRefused: ended(func(b approval.DecidedBody) string { return b.Request }),
	approval.KindEnded:   ended(func(b approval.EndedBody) string { return b.Request }),

	catalog.KindPublished: ofService(func(s *service, _ catalog.PublishedBody) { s.charter = true }),
	catalog.KindRecalled:  ofService(func(s *service, _ catalog.RecalledBody) { s.charter = true }),
	catalog.KindCeasing:   ofService(func(s *service, b catalog.CeasingBody) { s.ends = append(s.ends, b) }),
	catalog.KindEnded:     ofService(func(s *service, b catalog.EndedBody) { s.ended = append(s.ended, b.ID) }),
	catalog.KindAppointed: ofService(func(s *service, b catalog.AppointedBody) { s.ended = append(s.ended, b.Replaces) }),
	account.KindRevoked:   ofService(func(s *service, b account.RevokedBody) { s.revoked = append(s.revoked, b.ID) }),
	account.KindIssued: ofService(func(s *service, b account.IssuedBody) {
		if b.FormerEnd != 0 { // the former key ends, and the new one is known to nobody here
			s.revoked = append(s.revoked, b.ID)
		}
	}),
	webhook.KindRemoved: ofService(func(s *service, b webhook.RemovedBody) { s.removed = append(s.removed, b.Endpoint) }),
	webhook.KindPaused:  ofService(func(s *service, b webhook.PausedBody) { s.paused = append(s.paused, b.Endpoint) }),
	// Where it was sent to nobody here knows: until somebody says so again, nothing is.
	webhook.KindChanged: ofService(func(s *service, b webhook.ChangedBody) { s.paused = append(s.paused, b.Endpoint) }),

	warning.KindPaused:  ofService(func(s *service, b warning.ActedBody) { s.notices[b.Notice] = true }),
	warning.KindResumed: ofService(func(s *service, b warning.ActedBody) { s.notices[b.Notice] = false }), // by the copy it may be paused still

	catalog.KindSuspended: {rest: conceals}, // of whose order nobody here knows

	// On what a party stands nobody here knows any more: until somebody in office has seen to it,
	// it gets nothing.
	party.KindRegistered: partyChanged(func(b party.RegisteredBody) (string, party.Role) { return b.Party, b.Role }), // it may be elsewhere now
	party.KindAssessed:   partyChanged(func(b party.PaperBody) (string, party.Role) { return b.Party, b.Role }),
	party.KindAgreed:     partyChanged(func(b party.PaperBody) (string, party.Role) { return b.Party, b.Role }),
	party.KindFiled:      partyChanged(func(b party.PaperBody) (string, party.Role) { return b.Party, b.Role }),
	party.KindHalted:     partyChanged(func(b party.HaltedBody) (string, party.Role) { return b.Party, b.Role }),
	party.KindDeclared:   partyChanged(func(b party.DeclaredBody) (string, party.Role) { return b.Party, b.Role }),
	party.KindEnded:      partyChanged(func(b party.EndedBody) (string, party.Role) { return b.Party, b.Role }),
	party.KindRevoked:    ofService(func(s *service, b party.RevokedBody) { s.signers = append(s.signers, b) }),
	party.KindUnseated:   ofService(func(s *service, b party.UnseatedBody) { s.seats = append(s.seats, b) }),
	// A check that found no breach is owed again; after one that did, the party was suspended.
	party.KindChecked: {rest: func(g *gap, p ledger.Placed) error {
		var b party.PaperBody
		if err := p.Into(&b); err != nil || b.Passed {
			return err
		}
		return partyChanged(func(b party.PaperBody) (string, party.Role) { return b.Party, b.Role }).rest(g, p)
	}},
	legal.KindEnded: {rest: func(g *gap, p ledger.Placed) error {
		var b legal.EndedBody
		err := p.Into(&b)
		g.disapproved = append(g.disapproved, disapproval{p.Service, b.Approval, p.Actor})
		return err
	}},
	legal.KindKept: of(func(c *child, _ ledger.Placed, b legal.KeptBody) {
		for _, v := range b.Values {
			if _, erased := c.items[v.Item]; !erased { // else what is held here is what was erased before
				c.kept[v.Item] = true
			}
		}
	}),

	inspection.KindEnded: ofService(func(s *service, b inspection.DoneBody) { s.inspections = append(s.inspections, b.Inspection) }),

	session.KindRemoved: of0(func(g *gap, b session.RemovedBody) { g.passkeys[b.Passkey] = b.Why }),

	staff.KindLeft:           of0(func(g *gap, b staff.LeftBody) { g.left[b.Person] = true }),
	staff.KindLocated:        of0(func(g *gap, b staff.LocatedBody) { g.located[b.Person] = b.Country }),
	staff.KindRecipient:      of0(func(g *gap, b staff.RecipientBody) { g.keys[b.Person] = true }),
	staff.KindRecipientEnded: of0(func(g *gap, b staff.RecipientEndedBody) { g.keys[b.Person] = true }),
	staff.KindReached:        of0(func(g *gap, b staff.ReachedBody) { g.reached[b.Person] = true }),
	staff.KindUnreached:      of0(func(g *gap, b staff.UnreachedBody) { g.reached[b.Person] = true }),
	staff.KindRevoked:        of0(func(g *gap, b staff.RoleBody) { g.taken = append(g.taken, b) }),
	signin.KindSetUp:         of0(func(g *gap, b signin.SetUpBody) { g.logins[b.Person] = true }),
	signin.KindReset:         of0(func(g *gap, b signin.ResetBody) { g.logins[b.Person] = true }),
	signin.KindOpened: of0(func(g *gap, b signin.OpenedBody) { // a code of a list would count twice
		g.logins[b.Person] = g.logins[b.Person] || b.Way == signin.ByRecovery
	}),
	signin.KindSteppedUp: of0(func(g *gap, b signin.SteppedUpBody) {
		g.logins[b.Person] = g.logins[b.Person] || b.Way == signin.ByRecovery
	}),
	signin.KindPasskeyRemoved: of0(func(g *gap, b signin.PasskeyBody) { g.logins[b.Person] = true }),

	backup.KindMade: of0(func(g *gap, b backup.MadeBody) { g.copies = append(g.copies, b) }),
	backup.KindGone: of0(func(g *gap, b backup.GoneBody) { g.ends = append(g.ends, b) }),
}

// additions are the kinds of which nothing is done again: they only added something,
// or it holds anyhow. It is told how many there were of those that have an empty
// reason.
var additions = map[string]string{
	family.KindRegistered:      "",
	family.KindGuardianAdded:   "",
	family.KindGuardianProved:  "",
	vault.KindCollected:        "",
	vault.KindKept:             "",
	consent.KindRequested:      "",
	consent.KindSent:           "of a request that is lost, or is sent again",
	consent.KindOpened:         "what was shown is lost with its answer",
	consent.KindVerified:       "a browser's, and short",
	consent.KindExpired:        "by its time, which is over here, too",
	family.KindProofExpired:    "by its time",
	family.KindTurning:         "by the birth date, which the sweep looks at",
	family.KindTurned:          "by the birth date",
	family.KindGrown:           "by the birth date",
	family.KindInactive:        "its guardians are told once more, and have as long again",
	shield.KindAsked:           "",
	shield.KindShown:           "nothing was done",
	shield.KindRefused:         "it waits again, and hides nothing without another person's decision",
	shield.KindOver:            "by its time",
	suspicion.KindOpened:       "",
	suspicion.KindTaken:        "somebody takes it anew",
	suspicion.KindDecided:      "it waits again, and its account is a child's until then",
	takedown.KindOpened:        "",
	takedown.KindTaken:         "somebody takes it anew",
	takedown.KindDecided:       "it is decided anew",
	takedown.KindDone:          "it waits again, and the app says again that it is down",
	takedown.KindLapsed:        "it lapses once more",
	stream.KindRegistered:      "",
	stream.KindTested:          "it counts as a child's until it is tested anew, which is the stricter",
	stream.KindFlipped:         "by its time, which is over here, too",
	stream.KindEnded:           "it is on the register again, which is the stricter",
	assistance.KindAsked:       "",
	assistance.KindAnswered:    "the party is asked still, and answers once more while its demand is open",
	incident.KindOpened:        "",
	incident.KindNoted:         "its text is lost: who wrote it writes it again",
	incident.KindGraded:        "it waits to be graded anew, and is late by then",
	incident.KindClosed:        "it is open again, which is the stricter",
	incident.KindRead:          "nothing was done",
	incident.KindContained:     "its text is lost; what it has stopped is done again by what did that, and for all on a list it is ordered once more",
	incident.KindPlanned:       "the plan of the copy is in force, and the office adopts the newer one again",
	incident.KindTicked:        "somebody says once more that it is done",
	incident.KindCarriedOut:    "each child has an entry of its own for that",
	incident.KindReached:       "whom it has reached is asked once more, and the list is shorter until then",
	incident.KindAsked:         "it is asked once more",
	incident.KindAnswered:      "it is answered once more",
	incident.KindFrozen:        "it is fixed anew; who has a copy of it proves it by the ledger still",
	authority.KindDrafted:      "its text is lost: it is drafted again of the facts",
	authority.KindSent:         "its case says no more that the authority was told, and whoever has sent it says so again",
	authority.KindConfirmed:    "its case waits again for a report, or for two who decide against one",
	authority.KindAnswered:     "whoever has the answer records it again",
	warning.KindDrafted:        "its text is lost: who wrote it writes it again, and another confirms it",
	warning.KindConfirmed:      "it waits again for another person, which is the stricter",
	warning.KindExtended:       "the children are gone through again by who asks for it",
	warning.KindPrepared:       "they are prepared again, under the same names",
	warning.KindTold:           "they are told again, by messages of the same names",
	warning.KindListed:         "nothing was done",
	warning.KindPublished:      "somebody in office warns the public again",
	warning.KindWithdrawn:      "the warning stands again, which is the stricter",
	complaint.KindReceived:     "",
	complaint.KindAdded:        "its text is lost: who wrote it writes it again",
	complaint.KindReopened:     "its reporter opens it once more",
	complaint.KindRead:         "it was read",
	complaint.KindAcknowledged: "somebody takes it up anew",
	complaint.KindAnswered:     "it waits again, and is answered anew",
	complaint.KindDismissed:    "it waits again",
	complaint.KindLinked:       "it is handed on anew",
	complaint.KindReminded:     "the office is reminded once more",
	complaint.KindErased:       "by its time",

	rectification.KindRecorded:  "",
	rectification.KindHanded:    "its owner of before looks after it, or it is handed over anew",
	rectification.KindPostponed: "the day of before is the stricter",
	rectification.KindAppealed:  "its text is lost: it is written again, and moves no day",
	rectification.KindProved:    "its document is lost: it is open, and is proved again",
	rectification.KindConfirmed: "it waits again for another person, which is the stricter",
	rectification.KindReopened:  "what was confirmed by the copy is opened again by who finds it",
	rectification.KindReminded:  "they are reminded once more",
	rectification.KindRead:      "nothing was done",

	inspection.KindInvited: "its names are lost: who is to look is invited anew",
	inspection.KindCoded:   "no code is open any more, and the office gives another",
	inspection.KindEntered: "nobody is in any more, and the code that was used is void",
	inspection.KindFailed:  "it failed",
	inspection.KindLooked:  "it was seen",
	inspection.KindLeft:    "nobody is in any more",
	inspection.KindShut:    "as above",

	yearly.KindDrawn: "its document is lost: another version is drawn up where it is wanted",
	yearly.KindFiled: "its receipt is lost: the audit is due again, and is filed anew",

	rights.KindExtended:        "the clock of before is the stricter",
	rights.KindAssigned:        "somebody takes it anew",
	rights.KindShown:           "it was seen",
	rights.KindTold:            "what it tells of waits anew, and is told of anew",
	rights.KindClaimed:         "the document is looked at again",
	rights.KindClaimRefused:    "nothing comes of it without the second person, who has refused it",
	rights.KindClaimExpired:    "by its time",
	verification.KindStarted:   "a browser's, and short",
	verification.KindSucceeded: "what it proved is counted",
	verification.KindFailed:    "it proved nothing",
	verification.KindSeen:      "the document is lost, or is looked at again",
	verification.KindApproved:  "as above",
	gate.KindPermitted:         "what was used was used, and its guardians are told of it; of a look see readingOf, of a border crosses",
	gate.KindDenied:            "as above",
	gate.KindReleased:          "it has gone, or hasn't: what waits here goes again under the same name, by what holds then",
	gate.KindWithheld:          "what waits here is withheld again, by what holds then",
	vault.KindFetched:          "it has gone, and the party may come again",
	vault.KindDelivered:        "what waits here goes again under the same name",
	vault.KindDropped:          "what waits here is thrown away again, by its time, or by what holds then",
	gate.KindCompared:          "what was made by it was in memory, and is gone",
	gate.KindCompareRefused:    "nothing came of it",
	publication.KindAlarm:      "it was raised",
	approval.KindAsked:         "",
	approval.KindAgreed:        "whoever agreed has to agree again",
	approval.KindGranted:       "a window of minutes is lost, and nothing opens by it",
	approval.KindNarrowed:      "as above",
	approval.KindBroken:        "as above; that it was, and isn't reviewed, `approvals reconcile` reads in the ledger",
	approval.KindReviewed:      "then it waits for its review still, and suspends the two who opened it until it comes",
	approval.KindAlarm:         "it was raised",
	approval.KindDecoy:         "it is to be marked again",
	approval.KindSearched:      "nothing was done",
	approval.KindDecoyEnded:    "it raises alarms still",
	approval.KindReviewLate:    "as above: the sweep says so again",
	approval.KindForeign:       "nothing came of it",
	approval.KindReleased:      "its use ends the request; its guardians are told of it at once, or see it at home: a silence that is lost is none",
	approval.KindTold:          "they were told, or see it at home",
	gate.KindViewed:            "as above",
	gate.KindCopied:            "as above",
	gate.KindCopyDenied:        "as above",
	gate.KindPortDenied:        "as above; it waits on",
	gate.KindViewDenied:        "as above",
	vault.KindSwept:            "what was left is told anew",
	catalog.KindResumed:        "",
	party.KindContinued:        "it is suspended still",
	party.KindParted:           "it is ordered once more",
	party.KindNarrowed:         "what narrowed it counts as lost: it narrows with the next charter, or the next paper",
	party.KindTrimmed:          "it is ordered once more",
	party.KindBound:            "the key is nobody's here: it is bound anew",
	party.KindSeated:           "the seat is nobody's here: it is given anew",
	party.KindAlarm:            "it is raised once more, by its day",
	order.KindIssued:           "",
	order.KindAttested:         "",
	order.KindOverdue:          "by its day",
	order.KindReminded:         "the party is reminded once more",
	order.KindStated:           "the party says it once more",
	legal.KindApproved:         "",
	legal.KindErased:           "by its day",
	catalog.KindCeased:         "it ends once more, by itself",
	family.KindCeasing:         "guardians are told once more, with the announcement",
	catalog.KindCreated:        "",
	catalog.KindProposed:       "",
	catalog.KindApproved:       "with its publication, which counts as lost",
	catalog.KindRefused:        "it waits again, and nothing comes of it without somebody in office",
	catalog.KindTakenBack:      "as refusing",
	catalog.KindReached:        "",
	catalog.KindRecorded:       "",
	catalog.KindAssessed:       "",
	webhook.KindAdded:          "",
	webhook.KindRotated:        "",
	webhook.KindReplayed:       "it was sent",
	webhook.KindResumed:        "it is paused still",
	session.KindOpened:         "all sessions end",
	session.KindEnded:          "as above",
	session.KindAdded:          "",
	staff.KindAdded:            "",
	staff.KindGranted:          "",
	staff.KindTried:            "nothing was done",
	staff.KindOperated:         "it was done",
	staff.KindAtTerminal:       "it was done",
	staff.KindExported:         "what was taken away is away",
	staff.KindEvidence:         "as above",
	staff.KindConfirmed:        "then somebody stands behind the person still",
	signin.KindInvited:         "all links that were open lead nowhere any more",
	signin.KindFailed:          "it failed",
	signin.KindLocked:          "of a few minutes",
	signin.KindEnded:           "all sessions end",
	signin.KindPasskeyAdded:    "",
	signin.KindLinked:          "",
	backup.KindRestored:        "the gap of a store that is lost",
	backup.KindReplayed:        "as above: what it did is told by entries of its own",
}

// Knows reports whether it is known what to do about entries of this kind.
func Knows(kind string) bool {
	_, adds := additions[kind]
	_, read := readings[kind]
	return adds || read
}
