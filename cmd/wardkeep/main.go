// Command wardkeep stands between an operator's apps and the personal
// information of children under 14. `wardkeep --help` lists what it does.
//
// Its one invariant: a command that ends with 0 did all it says, and one that
// ends otherwise says what it left undone.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// How a command ends.
const (
	exitDone     = 0
	exitFailed   = 1  // refused, or something was found
	exitMaterial = 2  // plan: guardians would have to be asked again
	exitWaits    = 3  // apply: somebody in office has to approve it
	exitUsage    = 64 // the command line can't be understood
)

// A cli is the command line. Each command is in a file of its own; the words of
// its help are messages, "cmd.help.…".
type cli struct {
	Lang string   `enum:"zh-CN,en," default:"" placeholder:"zh-CN|en" help:"${lang}"`
	File string   `name:"config" short:"c" env:"WARDKEEP_CONFIG" placeholder:"FILE" help:"${config}"`
	_    struct{} // the flags above are for every command

	Serve     serveCmd     `cmd:"" help:"${serve}"`
	Demo      demoCmd      `cmd:"" help:"${demo}"`
	Config    configCmd    `cmd:"" name:"config" help:"${config_group}"`
	Plan      planCmd      `cmd:"" help:"${plan}"`
	Apply     applyCmd     `cmd:"" help:"${apply}"`
	TakeBack  takeBackCmd  `cmd:"" help:"${take_back}"`
	Impact    impactCmd    `cmd:"" help:"${impact}"`
	Service   serviceCmd   `cmd:"" help:"${service}"`
	Officer   officerCmd   `cmd:"" help:"${officer}"`
	Staff     staffCmd     `cmd:"" help:"${staff}"`
	AppKey    appKeyCmd    `cmd:"" name:"app-key" help:"${app_key}"`
	Webhook   webhookCmd   `cmd:"" help:"${webhook}"`
	Child     childCmd     `cmd:"" help:"${child}"`
	Guardian  guardianCmd  `cmd:"" help:"${guardian}"`
	Proofs    proofsCmd    `cmd:"" name:"verification" help:"${verification}"`
	Demand    demandCmd    `cmd:"" help:"${demand}"`
	Suspects  suspectsCmd  `cmd:"" name:"suspicion" help:"${suspicion}"`
	Takedowns takedownsCmd `cmd:"" name:"takedown" help:"${takedown}"`
	Streams   streamsCmd   `cmd:"" name:"stream" help:"${stream}"`
	Incidents incidentsCmd `cmd:"" name:"incident" help:"${incident}"`
	Looks     looksCmd     `cmd:"" name:"approvals" help:"${approvals}"`
	Mark      markCmd      `cmd:"" name:"watermark" help:"${watermark}"`
	Decoy     decoyCmd     `cmd:"" help:"${decoy}"`
	Cease     ceaseCmd     `cmd:"" help:"${cease}"`
	Keep      keepingCmd   `cmd:"" name:"retention" help:"${retention}"`
	Retain    retainCmd    `cmd:"" help:"${retain}"`
	Order     orderCmd     `cmd:"" help:"${order}"`
	Party     partyCmd     `cmd:"" help:"${party}"`
	Import    importCmd    `cmd:"" help:"${import}"`
	Requests  requestsCmd  `cmd:"" help:"${requests}"`
	Keys      keysCmd      `cmd:"" help:"${keys}"`
	Backup    backupCmd    `cmd:"" help:"${backup}"`
	Restore   restoreCmd   `cmd:"" help:"${restore}"`
	Ledger    ledgerCmd    `cmd:"" help:"${ledger}"`
	Bundle    bundleCmd    `cmd:"" name:"evidence" help:"${evidence}"`
	Verify    verifyCmd    `cmd:"" help:"${verify}"`
	Audit     auditCmd     `cmd:"" help:"${audit}"`
	Witness   witnessCmd   `cmd:"" help:"${witness}"`
	Bench     benchCmd     `cmd:"" help:"${bench}"`
	Version   versionCmd   `cmd:"" help:"${version}"`
}

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run runs one command line and returns how it ended.
func run(args []string, in io.Reader, out, err io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	lang := speaks(args, os.Getenv)
	s := &session{lang: lang, in: in, out: out, err: err}
	var c cli
	parser, fault := kong.New(&c,
		kong.Name("wardkeep"), kong.Description(lang.T("cmd.help.about")), helpIn(lang),
		kong.Help(printHelp(lang)), kong.Writers(out, err),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s))
	if fault != nil {
		return s.fail(fault)
	}
	if len(args) == 0 {
		args = []string{"--help"} // whoever types the name alone asks what there is
	}
	command, fault := parser.Parse(args)
	if fault != nil {
		return s.misuse(fault)
	}
	s.config = c.File
	fault = command.Run()
	if code, ok := errors.AsType[exit](fault); ok {
		return int(code)
	}
	if ctx.Err() != nil && errors.Is(fault, context.Canceled) {
		fault = errInterrupted
	}
	if fault != nil {
		return s.fail(fault)
	}
	return exitDone
}

// An exit ends a command that has already said why.
type exit int

// Error names the code; nobody reads it.
func (exit) Error() string { return "exit" }
