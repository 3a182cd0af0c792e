package staff

import "slices"

// A Role is what a person inside is to a service.
type Role string

// The roles. Officer and deputy are held by office (Article 8): see Link. A manager
// is who the officer authorises to decide beside them (Article 15). An engineer and
// an auditor may have their role for every service.
const (
	Officer  Role = "officer"
	Deputy   Role = "deputy"
	Manager  Role = "manager"
	Worker   Role = "staff"
	Engineer Role = "engineer"
	Auditor  Role = "auditor"
)

// Roles lists the roles, in the order of the columns of Matrix.
var Roles = []Role{Officer, Deputy, Manager, Worker, Engineer, Auditor}

// Known reports whether there is such a role.
func (r Role) Known() bool { return slices.Contains(Roles, r) }

// ByOffice reports whether the role is held by an office, and by nothing else.
func (r Role) ByOffice() bool { return r == Officer || r == Deputy }

// Everywhere reports whether the role can be held for every service at once.
func (r Role) Everywhere() bool { return r == Engineer || r == Auditor }

// An Action is something that a person inside may do, or not. There is none by which
// a value about a child is read: nobody has standing access (Article 15). Who needs to see
// one asks, somebody else decides, and what opens it is that decision, not a role. What a
// guardian sends to be looked at, and waits for a person's judgement, is looked at by who
// judges it, and each look is recorded.
type Action string

// The actions.
const (
	SeePeople         Action = "people.see"
	ManagePeople      Action = "people.manage" // invite, give and take roles, end an account
	SeeCharters       Action = "charters.see"
	ProposeCharter    Action = "charters.propose"
	PublishCharter    Action = "charters.publish"
	HandleDemands     Action = "demands.handle"
	AskAccess         Action = "access.ask"
	DecideAccess      Action = "access.decide"
	ReviewAccess      Action = "access.judge" // of what was opened without the office
	SeeDue            Action = "due.see"      // of what has a clock, each what they may do or look at
	SeeBoard          Action = "board.see"
	SeeLedger         Action = "ledger.see"
	ManageCredentials Action = "credentials.manage"
	ManageWebhooks    Action = "webhooks.manage"
	SeeSystem         Action = "system.see"
	ManageSystem      Action = "system.manage" // jobs, keys, test messages
	SeeImpacts        Action = "impacts.see"
	SignImpacts       Action = "impacts.sign" // what a purpose does to children (PIPL 55)
	SeeParties        Action = "parties.see"
	SignParties       Action = "parties.sign"  // register, assess, agree, file, suspend, end
	SeeOffice         Action = "office.see"    // who holds an office, with documents and trainings
	ManageOffice      Action = "office.manage" // lay one's own down, hand it over, fill the other
	SeeSuspicions     Action = "suspicions.see"
	ReportSuspicions  Action = "suspicions.report" // that an account may be a child's
	DecideSuspicions  Action = "suspicions.decide" // take, hand over, decide; who looks after one is led to the account
	SeeTakedowns      Action = "takedowns.see"
	ReportTakedowns   Action = "takedowns.report" // that published content harms a child's information
	DecideTakedowns   Action = "takedowns.decide" // take, decide; who looks after one is led to the content
	SeeReports        Action = "reports.see"      // what anybody has reported (Article 24): numbers and days
	HandleReports     Action = "reports.handle"   // read, acknowledge, answer, hand on, close; each reading is recorded
	SeeStreams        Action = "streams.see"      // what systems keep by themselves (Article 28)
	SignStreams       Action = "streams.sign"     // put one on the register, take it off
	TestStreams       Action = "streams.test"     // record whether one can be joined with a child
	SeeEvidence       Action = "evidence.see"     // which documents of guardians wait, and nothing that is in them
	JudgeEvidence     Action = "evidence.judge"   // look at them, and say what they show
	SeeShields        Action = "shields.see"      // from which guardian what is held is hidden, and why
	AskShield         Action = "shields.ask"
	DecideShield      Action = "shields.decide" // raise, refuse, lift: two, of whom one holds an office
	SeeIncidents      Action = "incidents.see"  // what was, or may have been, leaked, changed or lost, and no word of what is written
	OpenIncidents     Action = "incidents.open"
	WriteIncidents    Action = "incidents.write" // read what is written, which is recorded, and add to it
	TellFamilies      Action = "incidents.tell"  // telephone and write to those whom no message of a confirmed notice reaches; that they are shown is recorded
	JudgeIncidents    Action = "incidents.judge" // grade, decide that nobody outside is told, close

	SeeRectifications    Action = "rectifications.see"    // summonses, what has to be put right, sanctions, credit files
	ProveRectifications  Action = "rectifications.prove"  // what one looks after
	ManageRectifications Action = "rectifications.manage" // record, hand over, postpone, confirm, open again

	SeeYearly  Action = "yearly.see"  // which yearly audits were filed, with their numbers and receipts
	FileYearly Action = "yearly.file" // say that one was, or correct that

	SeeInspections    Action = "inspections.see"     // who of an authority was invited, and at what they have looked (Article 22)
	InviteInspectors  Action = "inspections.invite"  // by their document, for a scope and a time
	ReceiveInspectors Action = "inspections.receive" // give a new code, end it
	SeeBundles        Action = "bundles.see"         // archives for an authority, which are of every service: take them away
	MakeBundles       Action = "bundles.make"        // have one made
)

// A Rule is a row of the access matrix.
type Rule struct {
	Action Action
	// May says which role may, in the order of Roles.
	May [6]bool
	// Fresh says that who does it shows once more who they are, if that was more than
	// a few minutes ago. Looking never asks for it.
	Fresh bool
}

const (
	yes = true
	no  = false
)

// Matrix is the access matrix (Article 15): who may what. What the console lets
// through, what its menus show, what its tests try and docs/access.md are all made of
// it. What isn't in it nobody may.
var Matrix = []Rule{
	//                   officer deputy manager staff engineer auditor  fresh
	{SeePeople, [6]bool{yes, yes, no, no, no, yes}, no},
	{ManagePeople, [6]bool{yes, yes, no, no, no, no}, yes},
	{SeeCharters, [6]bool{yes, yes, yes, yes, yes, yes}, no},
	{ProposeCharter, [6]bool{yes, yes, no, no, yes, no}, no},
	{PublishCharter, [6]bool{yes, yes, no, no, no, no}, yes},
	{HandleDemands, [6]bool{yes, yes, yes, yes, no, no}, yes},
	{AskAccess, [6]bool{yes, yes, yes, yes, no, no}, no},
	{DecideAccess, [6]bool{yes, yes, yes, no, no, no}, yes},
	{ReviewAccess, [6]bool{yes, yes, no, no, no, no}, yes},
	{SeeDue, [6]bool{yes, yes, yes, yes, yes, yes}, no},
	{SeeBoard, [6]bool{yes, yes, yes, no, no, yes}, no},
	{SeeLedger, [6]bool{yes, yes, no, no, no, yes}, no},
	{ManageCredentials, [6]bool{no, no, no, no, yes, no}, yes},
	{ManageWebhooks, [6]bool{no, no, no, no, yes, no}, yes},
	{SeeSystem, [6]bool{yes, yes, no, no, yes, no}, no},
	{ManageSystem, [6]bool{no, no, no, no, yes, no}, yes},
	{SeeImpacts, [6]bool{yes, yes, no, no, no, yes}, no},
	{SignImpacts, [6]bool{yes, yes, no, no, no, no}, yes},
	{SeeParties, [6]bool{yes, yes, yes, no, no, yes}, no},
	{SignParties, [6]bool{yes, yes, no, no, no, no}, yes},
	{SeeOffice, [6]bool{yes, yes, no, no, no, yes}, no},
	{ManageOffice, [6]bool{yes, yes, no, no, no, no}, yes},
	{SeeSuspicions, [6]bool{yes, yes, yes, yes, no, yes}, no},
	{ReportSuspicions, [6]bool{yes, yes, yes, yes, no, no}, no},
	{DecideSuspicions, [6]bool{yes, yes, yes, yes, no, no}, yes},
	{SeeTakedowns, [6]bool{yes, yes, yes, yes, no, yes}, no},
	{ReportTakedowns, [6]bool{yes, yes, yes, yes, no, no}, no},
	{DecideTakedowns, [6]bool{yes, yes, yes, yes, no, no}, yes},
	{SeeReports, [6]bool{yes, yes, yes, no, no, yes}, no},
	{HandleReports, [6]bool{yes, yes, yes, no, no, no}, yes},
	{SeeStreams, [6]bool{yes, yes, yes, no, yes, yes}, no},
	{SignStreams, [6]bool{yes, yes, no, no, no, no}, yes},
	{TestStreams, [6]bool{yes, yes, no, no, yes, no}, yes},
	{SeeEvidence, [6]bool{yes, yes, yes, yes, no, yes}, no},
	{JudgeEvidence, [6]bool{yes, yes, yes, yes, no, no}, yes},
	{SeeShields, [6]bool{yes, yes, yes, no, no, yes}, no},
	{AskShield, [6]bool{yes, yes, yes, no, no, no}, yes},
	{DecideShield, [6]bool{yes, yes, yes, no, no, no}, yes},
	{SeeIncidents, [6]bool{yes, yes, yes, no, yes, yes}, no},
	{OpenIncidents, [6]bool{yes, yes, yes, no, yes, no}, no},
	{WriteIncidents, [6]bool{yes, yes, yes, no, no, no}, yes},
	{TellFamilies, [6]bool{yes, yes, yes, no, no, no}, yes},
	{JudgeIncidents, [6]bool{yes, yes, no, no, no, no}, yes},
	{SeeRectifications, [6]bool{yes, yes, yes, no, no, yes}, no},
	{ProveRectifications, [6]bool{yes, yes, yes, no, no, no}, yes},
	{ManageRectifications, [6]bool{yes, yes, no, no, no, no}, yes},
	{SeeYearly, [6]bool{yes, yes, yes, no, no, yes}, no},
	{FileYearly, [6]bool{yes, yes, no, no, no, no}, yes},
	{SeeInspections, [6]bool{yes, yes, yes, no, no, yes}, no},
	{InviteInspectors, [6]bool{yes, yes, no, no, no, no}, yes},
	{ReceiveInspectors, [6]bool{yes, yes, yes, no, no, no}, yes},
	{SeeBundles, [6]bool{yes, yes, no, no, no, yes}, no},
	{MakeBundles, [6]bool{yes, yes, no, no, no, no}, yes},
}

// RuleOf returns the rule of an action: of one that isn't in the matrix, one by which
// nobody may.
func RuleOf(a Action) Rule {
	for _, r := range Matrix {
		if r.Action == a {
			return r
		}
	}
	return Rule{Action: a, Fresh: true}
}

// Allows reports whether the role may.
func (r Rule) Allows(role Role) bool {
	i := slices.Index(Roles, role)
	return i >= 0 && r.May[i]
}
