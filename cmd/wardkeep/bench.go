package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"wardkeep/internal/app"
	"wardkeep/internal/base/errs"
)

// What keeps a measurement from being one.
var (
	errBenchOperation = errs.New(errs.Invalid, "bench.operation_unknown")
	errBenchWithin    = errs.New(errs.Invalid, "bench.within_invalid") // only pages are held to a bound
	errBenchSize      = errs.New(errs.Invalid, "bench.size_invalid")
	errBenchUsed      = errs.New(errs.Conflict, "bench.database_used") // it holds something else
	errBenchAnswer    = errs.New(errs.Internal, "bench.unexpected_answer")
	errBenchLate      = errs.New(errs.Unavailable, "bench.late") // the values ended before they were looked at
	errBenchSlow      = errs.New(errs.Unavailable, "bench.slow") // a page takes longer than is asked for
	errBenchServer    = errs.New(errs.Unavailable, "bench.server_gone")
)

type benchCmd struct {
	Database    string        `placeholder:"URL" help:"${bench_database}"`
	Dir         string        `placeholder:"DIR" help:"${bench_dir}"`
	Children    int           `default:"10000" help:"${bench_children}"`
	Connections []int         `default:"1,8,32" help:"${bench_connections}"`
	Duration    time.Duration `default:"3s" help:"${bench_duration}"`
	Runs        int           `default:"3" help:"${bench_runs}"`
	Only        []string      `placeholder:"NAME" help:"${bench_only}"`
	Grow        bool          `help:"${bench_grow}"`
	Pages       bool          `help:"${bench_pages}"`
	Console     bool          `help:"${bench_console}"`
	Within      time.Duration `placeholder:"TIME" help:"${bench_within}"`
	Entries     int           `default:"1000000" help:"${bench_entries}"`
	Sizes       []int         `default:"1000,10000,100000,1000000" help:"${bench_sizes}"`
	Sweep       bool          `help:"${bench_sweep}"`
	Values      int           `default:"6" help:"${bench_values}"`
	EraseAll    bool          `name:"erase-all" help:"${bench_erase_all}"`
	Known       bool          `help:"${bench_known}"`
	CPUProfile  string        `name:"cpuprofile" placeholder:"FILE" help:"${cpuprofile}"`
}

// Run measures a server of its own, in a folder that is gone afterwards. With a
// URL of PostgreSQL, the database must be empty, and what is written stays.
func (c benchCmd) Run(ctx context.Context, s *session) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	collectLess()
	dir, err := os.MkdirTemp(c.Dir, "wardkeep-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{benchCmd: c, session: s, dir: dir}
	if err := b.configure(); err != nil {
		return err
	}
	switch {
	case c.Grow:
		return b.grow(ctx)
	case c.Pages:
		return b.pages(ctx, pages)
	case c.Console:
		return b.pages(ctx, slices.Concat(rooms, seats))
	case c.Sweep:
		return b.sweep(ctx)
	case c.EraseAll:
		return b.eraseAll(ctx)
	case c.Known:
		return b.known(ctx)
	}
	return b.all(ctx)
}

func (c benchCmd) check() error {
	all := operations
	switch {
	case c.Pages:
		all = pages
	case c.Console:
		all = slices.Concat(rooms, seats)
	}
	for _, name := range c.Only {
		if !slices.ContainsFunc(all, func(o operation) bool { return o.name == name }) {
			return fmt.Errorf("%w: %s", errBenchOperation, name)
		}
	}
	if c.Within < 0 || c.Within > 0 && !c.Pages && !c.Console {
		return errBenchWithin
	}
	tooSmall := c.Children < 10 || c.Entries < 0 || c.Values < 1 || c.Values > 6 || c.Runs < 1 || c.Duration <= 0 || len(c.Connections) == 0 || len(c.Sizes) == 0
	if tooSmall || slices.Min(c.Connections) < 1 || slices.Max(c.Connections) > 1024 || slices.Min(c.Sizes) < 100 || !slices.IsSorted(c.Sizes) {
		return errBenchSize
	}
	return nil
}

// A bench is one measurement.
type bench struct {
	benchCmd
	*session
	dir    string
	file   string // the server's configuration
	listen string
	world  world
}

// configure writes the configuration that the server, and the seeding before
// it, work with.
func (b *bench) configure() error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	b.listen, b.file = address, filepath.Join(b.dir, "wardkeep.yaml")
	text := fmt.Sprintf("listen: %q\ndata_dir: %q\nkey_file: %q\n", address, filepath.Join(b.dir, "data"), filepath.Join(b.dir, "key"))
	if b.Database != "" {
		text += fmt.Sprintf("database: %q\n", b.Database)
	}
	if b.Console {
		text += "console:\n  idle: 1h\n" // nobody comes in again while it is measured
	}
	if b.Sweep {
		text += "sweep_every: 1s\n" // they end at a moment, and are to be swept then
	}
	return os.WriteFile(b.file, []byte(text), 0o600)
}

// all measures each operation with each number of connections.
func (b *bench) all(ctx context.Context) error {
	if err := b.seed(ctx, b.Children); err != nil {
		return err
	}
	return b.serving(ctx, func(at *server) error {
		if err := b.settle(ctx, at); err != nil {
			return err
		}
		b.say("bench.disk", "Children", b.Children, "Bytes", b.world.perChild)
		b.say("bench.columns")
		b.print(header)
		for _, connections := range b.Connections {
			l := b.load(at, connections)
			for _, o := range operations {
				if len(b.Only) > 0 && !slices.Contains(b.Only, o.name) && !o.feeds(b.Only) {
					continue
				}
				if err := b.measure(ctx, l, o); err != nil {
					return err
				}
			}
			l.close()
		}
		b.memory(at)
		return nil
	})
}

// measure runs one operation several times and prints the run in the middle.
func (b *bench) measure(ctx context.Context, l *load, o operation) error {
	runs := make([]result, 0, b.Runs)
	for range b.Runs {
		r, err := l.run(ctx, o, b.Duration)
		if err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		if r.requests > 0 {
			runs = append(runs, r)
		}
	}
	if len(runs) == 0 {
		return nil
	}
	slices.SortFunc(runs, func(x, y result) int { return int(x.perSecond() - y.perSecond()) })
	b.print(runs[len(runs)/2].line(len(l.workers), o, b.lang.T("bench.op."+o.name)))
	return nil
}

func (b *bench) memory(at *server) {
	now, most := at.memory()
	b.say("bench.memory", "Now", megabytes(now), "Most", megabytes(most))
}

// grow prints the curve: the same store with ever more children.
func (b *bench) grow(ctx context.Context) error {
	b.say("bench.grow_columns")
	b.print(growHeader)
	for _, size := range b.Sizes {
		if err := b.seed(ctx, size); err != nil {
			return err
		}
		err := b.serving(ctx, func(at *server) error {
			if err := b.settle(ctx, at); err != nil {
				return err
			}
			return b.point(ctx, at, size)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// grown are the operations of a point on the curve.
var grown = []string{"read", "decide", "erase"}

// point measures the store as it is. Runs of one size stand one after the other,
// so the middle of three outlives a passing disturbance.
func (b *bench) point(ctx context.Context, at *server, size int) error {
	l := b.load(at, slices.Max(b.Connections))
	defer l.close()
	middle := make(map[string]result, len(grown))
	for _, o := range operations {
		if !slices.Contains(grown, o.name) {
			continue
		}
		runs := make([]result, 0, b.Runs)
		for run := range b.Runs {
			if o.name == "erase" {
				l.doom(erasures(size, b.Runs-run))
			}
			r, err := l.run(ctx, o, b.Duration)
			if err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
			runs = append(runs, r)
		}
		slices.SortFunc(runs, func(x, y result) int { return int(x.quantile(0.99) - y.quantile(0.99)) })
		middle[o.name] = runs[len(runs)/2]
	}
	now, most := at.memory()
	read, decide, erase := middle["read"], middle["decide"], middle["erase"]
	b.print(fmt.Sprintf(growLine, size, read.perSecond(), micros(read.quantile(0.5)), micros(read.quantile(0.99)), micros(read.perOne(read.server)),
		micros(decide.quantile(0.99)), micros(decide.perOne(decide.server)), micros(erase.quantile(0.99)), micros(erase.perOne(erase.server)),
		megabytes(now), megabytes(most), b.world.perChild))
	return nil
}

// erasures is how many children one run may erase, so that a small store isn't
// empty after it.
func erasures(size, runsLeft int) int { return max(min(3000, size/10), 10) / max(runsLeft, 1) }

// serving runs fn against a server, and ends the server.
func (b *bench) serving(ctx context.Context, fn func(*server) error) (err error) {
	at, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, at.stop()) }()
	return fn(at)
}

// seed brings the store to so many children, and measures its size.
func (b *bench) seed(ctx context.Context, children int) (err error) {
	c, err := app.LoadConfig(b.file)
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, c, b.loggerFrom(slog.LevelError)) // that its store is new is no news
	if errors.Is(err, app.ErrNoKey) {
		// It has keys, and they aren't ours.
		return fmt.Errorf("%w: %w", errBenchUsed, err)
	}
	if err != nil {
		return err
	}
	err = b.world.grow(ctx, b.session, a, children)
	if err == nil && b.Pages {
		err = b.world.settle(ctx, a, len(b.Connections)*b.Runs*answersPerRun)
	}
	if err == nil && b.Console {
		err = b.world.inhabit(ctx, b.session, a, b.Entries)
	}
	err = errors.Join(err, a.Close())
	// What seeding left to be written would otherwise be written while it is measured.
	syscall.Sync()
	return err
}

// The server has caught up when it needs less than idle of the time between two
// looks, several times in a row: what catches up in the background rests, too.
const (
	look     = time.Second
	looks    = 3
	idle     = look / 20
	patience = 15 * time.Minute
)

// settle waits until the server has dealt with what was seeded: it meets all of
// it at once, which in a store that has grown by and by is long done. Then it
// warms the store up.
func (b *bench) settle(ctx context.Context, at *server) error {
	for began, idling := time.Now(), 0; idling < looks && time.Since(began) < patience; {
		before := at.cpu()
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return ctx.Err()
		}
		idling++
		if at.cpu()-before >= idle {
			idling = 0
		}
	}
	return b.warm()
}

// warm reads the embedded database once, so that whatever its size the system
// has it in memory: some give back what wasn't used for a minute.
func (b *bench) warm() error {
	if b.Database != "" {
		return nil
	}
	f, err := os.Open(filepath.Join(b.dir, "data", "wardkeep.db"))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	return err
}
