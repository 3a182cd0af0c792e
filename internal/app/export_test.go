package app

import (
	"context"
	"log"
	"net/http"

	"wardkeep/internal/gate"
)

// RestoreBy is Restore, with a function that is called before each transaction.
var RestoreBy = (*App).restore

// Remember keeps the latest checkpoint, as a server does each second.
var Remember = (*App).remember

// KeepSeen is Remember of somebody who has looked a moment ago.
var KeepSeen = (*App).keepSeen

// HoldNew makes the file of a backup that lies in plain.
var HoldNew = holdNew

// Duties are the letters to whoever holds an office that the store itself asks for, and the cases.
var Duties = (*App).duties

// Late counts what was left undone past its day.
var Late = (*App).late

// LostLetters is what a server does at its start.
var LostLetters = (*App).lostLetters

// Going is told when the first farewell is on its way, and when none is.
var Going = (*App).going

// Decided is a denial for such reasons.
func Decided(codes ...string) any { return gate.Decided{About: "use", Codes: codes} }

// ErrorLog is what net/http writes to.
func ErrorLog(a *App) *log.Logger { return a.server(http.NotFoundHandler()).ErrorLog }

// PassDuties looks once at what the store itself says, and returns how many letters it asked for.
func PassDuties(a *App, ctx context.Context) (letters int, err error) {
	err = a.passDuties(ctx, func(context.Context, messageArgs) error { letters++; return nil })
	return letters, err
}

// KeepOutside is one round of what keeps checkpoints outside.
var KeepOutside = (*App).keepOutside

// PassOutside is one look whether a round is due.
var PassOutside = (*App).passOutside

// GiveUpOutside has what is kept outside and is lost count no more.
var GiveUpOutside = (*App).giveUpOutside

// CheckFar is what a server does before it serves.
var CheckFar = (*App).checkFar
