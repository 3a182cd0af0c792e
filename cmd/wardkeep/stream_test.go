package main

import (
	"context"
	"log/slog"

	"github.com/rogpeppe/go-internal/testscript"

	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/stream"
)

// streamed has the officer register a log stream.
func streamed(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 2, "streamed CONFIG VAR")
	ctx := context.Background()
	c, err := app.LoadConfig(ts.MkAbs(args[0]))
	ts.Check(err)
	c.DataDir, c.KeyFile = ts.MkAbs(c.DataDir), ts.MkAbs(c.KeyFile)
	a, err := app.Open(ctx, c, slog.New(slog.DiscardHandler))
	ts.Check(err)
	defer a.Close()
	ts.Check(a.Store.Update(ctx, func(tx *db.Tx) error {
		by, err := catalog.FindOfficer(ctx, tx, "xiaoxi-english", ts.Getenv("OFFICER"))
		if err != nil {
			return err
		}
		one, _, err := stream.Register(ctx, tx, by, "xiaoxi-english", stream.Form{Name: "网关访问日志", System: "入口网关", Fields: "路由", Place: "上海机房", Office: "运维", Months: 6,
			Reason: stream.Nameless, Grounds: "没有任何标识"})
		ts.Setenv(args[1], one.ID)
		return err
	}))
}
