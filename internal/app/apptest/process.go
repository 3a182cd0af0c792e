package apptest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// binary is the real program, built once per test binary without the race
// detector, and where it lies.
var binary struct {
	once sync.Once
	dir  string
	err  error
}

// Binary returns the path of the program.
func Binary(t testing.TB) string {
	t.Helper()
	binary.once.Do(func() {
		if binary.dir, binary.err = os.MkdirTemp("", "wardkeep-binary-"); binary.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", filepath.Join(binary.dir, "wardkeep"), "wardkeep/cmd/wardkeep")
		if out, err := build.CombinedOutput(); err != nil {
			binary.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return filepath.Join(binary.dir, "wardkeep")
}

// RemoveBinary is called when all tests of a test binary have ended.
func RemoveBinary() {
	if binary.dir != "" {
		os.RemoveAll(binary.dir)
	}
}

// A Process is `wardkeep serve`, running.
type Process struct {
	Base string // its address

	in     *Installation
	cmd    *exec.Cmd
	mu     sync.Mutex
	log    bytes.Buffer
	served chan string
	ended  chan struct{}
}

// Start starts the server. It may be killed before it serves.
func (in *Installation) Start() *Process {
	in.T.Helper()
	p := &Process{in: in, served: make(chan string, 1), ended: make(chan struct{})}
	p.cmd = exec.Command(Binary(in.T), "serve", "--config", in.File)
	p.cmd.Env = append(os.Environ(), "WARDKEEP_LANG=en")
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		in.T.Fatal(err)
	}
	p.cmd.Stdout = p.cmd.Stderr
	if err := p.cmd.Start(); err != nil {
		in.T.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(stderr)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.line(lines.Bytes())
		}
		p.cmd.Wait()
	}()
	in.T.Cleanup(p.Kill)
	return p
}

func (p *Process) line(line []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.Write(line)
	p.log.WriteByte('\n')
	var said struct{ Msg, Address string }
	if json.Unmarshal(line, &said) == nil && said.Msg == "serving" {
		p.served <- "http://" + said.Address
	}
}

// Await waits until the server serves.
func (p *Process) Await() *Process {
	p.in.T.Helper()
	select {
	case p.Base = <-p.served:
	case <-p.ended:
		p.in.T.Fatalf("the server ended before it served:\n%s", p.Log())
	case <-time.After(60 * time.Second):
		p.in.T.Fatalf("the server doesn't serve:\n%s", p.Log())
	}
	return p
}

// Log returns what the server has written.
func (p *Process) Log() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.log.Bytes())
}

// Kill is kill -9: the process gets no chance to do anything more. It returns
// when the process is gone and, with PostgreSQL, what it had sent is done.
func (p *Process) Kill() {
	select {
	case <-p.ended:
		return
	default:
	}
	p.cmd.Process.Kill()
	<-p.ended
	p.in.Drained()
}

// Drained waits until PostgreSQL has noticed that our connections are gone: a
// COMMIT that was on its way when the process died may still happen.
func (in *Installation) Drained() {
	if in.URL == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	config, err := pgx.ParseConfig(in.URL)
	if err != nil {
		in.T.Error(err)
		return
	}
	config.RuntimeParams["application_name"] = in.name + "_watch"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		in.T.Error(err)
		return
	}
	defer conn.Close(context.Background())
	for {
		var n int
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`, in.name).Scan(&n)
		if err != nil {
			in.T.Errorf("connections of a dead server don't end: %v", err)
			return
		}
		if n == 0 {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}
