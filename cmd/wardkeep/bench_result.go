package main

import (
	"fmt"
	"math/bits"
	"syscall"
	"time"
)

// latencies counts durations in classes: each power of two of nanoseconds has
// 64, so that a class is at most 1.6 % wide. The zero value is empty.
type latencies struct {
	n       int64
	classes [64 * 40]uint32
}

func class(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < 64 {
		return int(v)
	}
	shift := bits.Len64(v) - 7
	return min(64*(shift+1)+int(v>>shift)-64, 64*40-1)
}

// floor is the least duration of a class.
func floor(class int) time.Duration {
	if class < 64 {
		return time.Duration(class)
	}
	shift := class/64 - 1
	return time.Duration(class%64+64) << shift
}

func (l *latencies) count(d time.Duration) {
	l.classes[class(d)]++
	l.n++
}

func (l *latencies) add(other *latencies) {
	l.n += other.n
	for i, n := range other.classes {
		l.classes[i] += n
	}
}

// quantile returns the duration below which the part q of all lies; 0 of none.
func (l *latencies) quantile(q float64) time.Duration {
	rank := int64(q * float64(l.n))
	for i, n := range l.classes {
		if rank -= int64(n); rank < 0 {
			return floor(i)
		}
	}
	return 0
}

// A result is what one run has shown.
type result struct {
	latencies
	requests     int64
	each         int // of what is counted, in a request
	took         time.Duration
	server, load time.Duration // processor time
}

// perSecond returns how much was done in a second: decisions, where a request
// holds many.
func (r *result) perSecond() float64 {
	return float64(r.requests) * float64(r.each) / r.took.Seconds()
}

// perOne returns the part of a processor time that one of what is counted took.
func (r *result) perOne(d time.Duration) time.Duration {
	return d / time.Duration(max(r.requests*int64(r.each), 1))
}

const (
	header     = " conns        ops/s      p50 µs      p99 µs   server µs/op     load µs/op"
	lineFormat = "%6d %12.0f %11.0f %11.0f %14.1f %14.1f  %s"

	growHeader = "  children  reads/s  read p50  read p99  server/op  decide p99  server/op  erase p99  server/op  RSS MB  peak MB  bytes/child"
	growLine   = "%10d %8.0f %9.0f %9.0f %10.1f %11.0f %10.1f %10.0f %10.1f %7.0f %8.0f %12d"
)

func (r *result) line(connections int, o operation, label string) string {
	return fmt.Sprintf(lineFormat, connections, r.perSecond(), micros(r.quantile(0.5)), micros(r.quantile(0.99)),
		micros(r.perOne(r.server)), micros(r.perOne(r.load)), o.name+" · "+label)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }

// ownCPU returns the processor time that this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
