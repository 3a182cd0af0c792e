package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A server is `wardkeep serve` in a process of its own.
type server struct {
	address string
	command *exec.Cmd
	ended   chan error
	log     string
}

// freeAddress returns an address of this machine on which nobody listens.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// start starts the server and waits until it answers.
func (b *bench) start(ctx context.Context) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	at := &server{address: b.listen, ended: make(chan error, 1), log: filepath.Join(b.dir, "server.log")}
	log, err := os.Create(at.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := []string{"--config", b.file, "serve"}
	if b.CPUProfile != "" {
		args = append(args, "--cpuprofile", b.CPUProfile)
	}
	at.command = exec.Command(self, args...)
	at.command.Stderr = log
	if err := at.command.Start(); err != nil {
		return nil, err
	}
	go func() { at.ended <- at.command.Wait() }()
	if err := at.await(ctx); err != nil {
		return nil, errors.Join(err, at.stop())
	}
	return at, nil
}

// await waits until the server answers.
func (at *server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.address+"/v1/health", nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(r); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-at.ended:
			at.ended <- err
			return fmt.Errorf("%w: %s", errBenchServer, at.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errBenchServer, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastWords is the last line of the log.
func (at *server) lastWords() string {
	b, err := os.ReadFile(at.log)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

// stop ends the server as an operator would.
func (at *server) stop() error {
	if err := at.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := <-at.ended; err != nil {
		return fmt.Errorf("%w: %w: %s", errBenchServer, err, at.lastWords())
	}
	return nil
}

// memory returns the resident memory of the server in bytes, now and at most;
// zeros where the system doesn't tell.
func (at *server) memory() (now, most int64) {
	return procStatus(at.command.Process.Pid, "VmRSS:"), procStatus(at.command.Process.Pid, "VmHWM:")
}

func procStatus(pid int, name string) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}

// written returns how many bytes this process has handed to the system to write;
// zero where the system doesn't tell.
func written() int64 {
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "wchar: "); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64); err == nil {
				return n
			}
		}
	}
	return 0
}

// cpu returns the processor time that the server has used, in user and in
// system mode; zero where the system doesn't tell.
func (at *server) cpu() time.Duration {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", at.command.Process.Pid))
	if err != nil {
		return 0
	}
	// The second field is the program's name in parentheses, which may hold blanks.
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	const utime, stime = 11, 12
	if len(fields) <= stime {
		return 0
	}
	var sum time.Duration
	for _, i := range []int{utime, stime} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0
		}
		sum += time.Duration(n) * tick
	}
	return sum
}
