package signin

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var leaks = flag.String("leaks", "", "a list of passwords, the most frequent first, to write leaked.bin of")

const leakedMost = 10_000

// The list can be made again: see docs/dependencies.md.
func TestASVS_6_2_4_WhatLeakedMostIsInOrder(t *testing.T) {
	if *leaks != "" {
		writeLeaked(t, *leaks)
	}
	if len(leaked) != leakedMost*leakedLen {
		t.Errorf("%d bytes", len(leaked))
	}
	for i := leakedLen; i < len(leaked); i += leakedLen {
		if bytes.Compare(leaked[i-leakedLen:i], leaked[i:i+leakedLen]) >= 0 {
			t.Fatalf("%d isn't after the one before", i/leakedLen)
		}
	}
	for _, p := range []string{"123qweasdzxc", "qwertyqwerty", "unbelievable", "sonyericsson", "administrator"} {
		if !isCommon(p) {
			t.Errorf("%s is common", p)
		}
	}
	for _, p := range []string{"", "a sentence to remember", "十二个字的密码就够长了吧"} {
		if isCommon(p) {
			t.Errorf("%q isn't", p)
		}
	}
}

func writeLeaked(t *testing.T, name string) {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var sums []string
	seen := make(map[string]bool)
	for lines := bufio.NewScanner(f); lines.Scan() && len(sums) < leakedMost; {
		low := strings.ToLower(strings.TrimSpace(lines.Text()))
		if len([]rune(low)) < minPassword || seen[low] {
			continue
		}
		seen[low] = true
		sum := sha256.Sum256([]byte(low))
		sums = append(sums, string(sum[:leakedLen]))
	}
	slices.Sort(sums)
	leaked = []byte(strings.Join(sums, ""))
	if err := os.WriteFile("leaked.bin", leaked, 0o644); err != nil {
		t.Fatal(err)
	}
}
