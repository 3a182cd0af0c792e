package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"wardkeep/internal/base/i18n"
)

// helpPrefix begins the keys of the help's words: ${keys_rotate} in a tag of a
// command is the message "cmd.help.keys_rotate".
const helpPrefix = "cmd.help."

// helpIn puts the words of the help where a tag names them. As variables of kong they
// would all be read again for every flag, which takes longer than most commands.
func helpIn(lang i18n.Lang) kong.Option {
	say := func(help *string) {
		if name, ok := strings.CutPrefix(*help, "${"); ok {
			if key := helpPrefix + strings.TrimSuffix(name, "}"); lang.Has(key) {
				*help = lang.T(key)
			}
		}
	}
	return kong.PostBuild(func(k *kong.Kong) error {
		return kong.Visit(k.Model.Node, func(v kong.Visitable, next kong.Next) error {
			switch v := v.(type) {
			case *kong.Node:
				say(&v.Help)
			case *kong.Value:
				say(&v.Help)
			}
			return next(nil)
		})
	})
}

// printHelp writes the help of a command, or of the program.
func printHelp(lang i18n.Lang) kong.HelpPrinter {
	return func(_ kong.HelpOptions, ctx *kong.Context) error {
		node := ctx.Selected()
		if node == nil {
			node = ctx.Model.Node
		}
		w := ctx.Stdout
		fmt.Fprintf(w, "%s wardkeep %s\n\n%s\n", lang.T("cmd.help.usage"), strings.TrimSpace(strings.TrimPrefix(node.Summary(), "wardkeep")), node.Help)
		var rows [][2]string
		for _, p := range node.Positional {
			rows = append(rows, [2]string{p.Summary(), p.Help})
		}
		table(w, lang.T("cmd.help.arguments"), rows)
		rows = nil
		for _, child := range node.Leaves(true) {
			name := strings.TrimSpace(strings.TrimPrefix(child.Path(), node.Path()))
			rows = append(rows, [2]string{name, child.Help})
		}
		table(w, lang.T("cmd.help.commands"), rows)
		rows = nil
		for _, group := range node.AllFlags(true) {
			for _, f := range group {
				help := f.Help
				if f.Name == "help" {
					help = lang.T("cmd.help.help")
				}
				if len(f.Envs) > 0 {
					help += " ($" + f.Envs[0] + ")"
				}
				rows = append(rows, [2]string{f.String(), help})
			}
		}
		table(w, lang.T("cmd.help.flags"), rows)
		fmt.Fprintf(w, "\n%s\n", lang.T("cmd.help.codes"))
		return nil
	}
}

// table writes rows of two columns under a title; a long first cell has a line
// of its own.
func table(w io.Writer, title string, rows [][2]string) {
	const width = 26
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, r := range rows {
		if len(r[0]) > width-4 {
			fmt.Fprintf(w, "  %s\n  %*s%s\n", r[0], width-2, "", r[1])
			continue
		}
		fmt.Fprintf(w, "  %-*s%s\n", width-2, r[0], r[1])
	}
}
