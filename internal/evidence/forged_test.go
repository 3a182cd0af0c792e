package evidence_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/evidence"
	"wardkeep/internal/ledger"
	"wardkeep/internal/vault/vaulttest"
)

// unpacked returns the files of an archive in their order.
func unpacked(t testing.TB, archive []byte) (names []string, files map[string][]byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	ok(t, err)
	files = make(map[string][]byte)
	for _, f := range z.File {
		r, err := f.Open()
		ok(t, err)
		b, err := io.ReadAll(r)
		ok(t, err)
		names, files[f.Name] = append(names, f.Name), b
	}
	return names, files
}

// packed makes an archive as evidence.Make would, of whatever files.
func packed(t testing.TB, names []string, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		put(t, w, name, zip.Deflate, files[name], len(files[name]))
	}
	ok(t, w.Close())
	return b.Bytes()
}

// put writes a file that says that it is so long.
func put(t testing.TB, w *zip.Writer, name string, method uint16, b []byte, size int) {
	t.Helper()
	var small bytes.Buffer
	f, err := flate.NewWriter(&small, flate.BestSpeed)
	ok(t, err)
	_, err = f.Write(b)
	ok(t, err, f.Close())
	if method == zip.Store || strings.HasSuffix(name, "/") {
		method = zip.Store
		small.Reset()
		small.Write(b)
	}
	out, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: method, CreatorVersion: 20, ReaderVersion: 20, CRC32: crc32.ChecksumIEEE(b),
		CompressedSize64: uint64(small.Len()), UncompressedSize64: uint64(size)})
	ok(t, err)
	_, err = out.Write(small.Bytes())
	ok(t, err)
}

// Article 22: an archive that was forged, cut off, or made to do harm is found out, whatever byte
// of it that concerns. What is in it is never unpacked to a disk.
func TestArticle22_ForgedArchivesAreFound(t *testing.T) {
	s := play(t, vaulttest.New(t, dbtest.New(t)))
	good := s.makes(t, evidence.Scope{})
	names, files := unpacked(t, good)
	check := func(archive []byte) (evidence.Report, error) {
		return evidence.Verify(t.Context(), bytes.NewReader(archive), int64(len(archive)), evidence.Check{Key: s.key})
	}
	with := func(change func(names []string, files map[string][]byte) []string) []byte {
		some := make(map[string][]byte, len(files))
		for name, b := range files {
			some[name] = bytes.Clone(b)
		}
		return packed(t, change(slices.Clone(names), some), some)
	}
	first := func(prefix string) string {
		return names[slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, prefix) })]
	}
	added := func(name string, content string) []byte {
		return with(func(names []string, files map[string][]byte) []string {
			files[name] = []byte(content)
			return append(names, name)
		})
	}
	_, otherKey, err := ledger.NewSigner("other.test/ledger", bytes.Repeat([]byte{9}, 32))
	ok(t, err)

	for name, c := range map[string]struct {
		archive []byte
		found   string
	}{
		"a file is changed": {with(func(names []string, files map[string][]byte) []string {
			files["README.txt"][9] ^= 1
			return names
		}), "changed README.txt"},
		"a charter is changed": {with(func(names []string, files map[string][]byte) []string {
			b := files[first("charters/")]
			copy(b[len(b)/2:], "x")
			b[len(b)/2+1] ^= 1
			return names
		}), "changed " + first("charters/")},
		"a register has a row less": {with(func(names []string, files map[string][]byte) []string {
			name := first("registers/consents/")
			_, files[name], _ = bytes.Cut(files[name], []byte("\n"))
			return names
		}), "changed " + first("registers/consents/")},
		"a file is missing": {with(func(names []string, _ map[string][]byte) []string {
			return slices.DeleteFunc(names, func(n string) bool { return n == first("documents/") })
		}), "missing " + first("documents/")},
		"there is no manifest": {with(func(names []string, _ map[string][]byte) []string {
			return slices.DeleteFunc(names, func(n string) bool { return n == "manifest.json" })
		}), "manifest manifest.json"},
		"the manifest says a thing twice": {with(func(names []string, files map[string][]byte) []string {
			files["manifest.json"] = bytes.Replace(files["manifest.json"], []byte("{"), []byte(`{"made": 1,`), 1)
			return names
		}), "manifest manifest.json"},
		"the manifest has another scope": {with(func(names []string, files map[string][]byte) []string {
			files["manifest.json"] = bytes.Replace(files["manifest.json"], []byte(`"from": 0`), []byte(`"from": 1`), 1)
			return names
		}), "other "},
		"an entry is changed": {with(func(names []string, files map[string][]byte) []string {
			b := files[first("ledger/tile/entries/")]
			b[len(b)/2] ^= 1
			return names
		}), ledger.FoundEntry + " tile/entries/"},
		"the checkpoint is changed": {with(func(names []string, files map[string][]byte) []string {
			files["ledger/checkpoint"][len(origin)+2] ^= 1
			return names
		}), ledger.FoundCheckpoint + " checkpoint"},
		"a file was put in":             {added("charters/other/1.json", "{}"), "unlisted charters/other/1.json"},
		"a file of the ledger, as well": {added("ledger/tile/0/999", "x"), ledger.FoundStray + " tile/0/999"},
		"a path leads out":              {added("../etc/passwd", "x"), "name ../etc/passwd"},
		"a path within leads out":       {added("ledger/tile/../../x", "x"), "name ledger/tile/../../x"},
		"a path begins at the root":     {added("/etc/passwd", "x"), "name /etc/passwd"},
		"a path of another system":      {added(`registers\consents\000001.jsonl`, "x"), `name registers\consents\000001.jsonl`},
		"a drive":                       {added("c:registers/a/000001.jsonl", "x"), "name c:registers/a/000001.jsonl"},
		"a folder":                      {added("charters/", ""), "name charters/"},
		"a name with a line break":      {added("charters/a\n/1.json", ""), "name charters/a\n/1.json"},
		"a name without end":            {added("charters/"+strings.Repeat("a", 60_000)+"/1.json", ""), "name charters/"},
		"two files have one name": {with(func(names []string, _ map[string][]byte) []string {
			return append(names, "README.txt")
		}), "twice README.txt"},
		"bytes before the first file":  {append([]byte("#!/bin/sh\n"), good...), "frame "},
		"a file that grows to no end":  {added("charters/bomb/1.json", strings.Repeat("a", 1<<20)), "unlisted charters/bomb/1.json"},
		"a tile that grows to no end":  {bomb(t, names, files, "ledger/tile/entries/000.p/"), "bomb ledger/tile/entries/000.p/"},
		"a file says that it is small": {lies(t, names, files, "README.txt"), "damaged README.txt"},
	} {
		r, err := check(c.archive)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := said(r); r.OK() || !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, c.found) }) {
			t.Errorf("%s: %.300q, want %q", name, got, c.found)
		}
	}

	if r, err := evidence.Verify(t.Context(), bytes.NewReader(good), int64(len(good)), evidence.Check{Key: otherKey}); err != nil || r.OK() ||
		!slices.Contains(said(r), "foreign "+origin) {
		t.Errorf("of another operator: %q, %v", said(r), err)
	}
	crowded := bytes.Clone(good)
	binary.LittleEndian.PutUint32(crowded[len(crowded)-10:], 1<<31) // the length of the list of files
	for name, c := range map[string]struct {
		archive []byte
		err     error
	}{
		"nothing": {nil, evidence.ErrArchive}, "no archive": {[]byte(strings.Repeat("PK\x03\x04", 99)), evidence.ErrArchive},
		"a byte is missing": {good[:len(good)-1], evidence.ErrArchive}, "half is missing": {good[:len(good)/2], evidence.ErrArchive},
		"bytes behind it": {append(bytes.Clone(good), 0), evidence.ErrArchive}, "a list of files without end": {crowded, evidence.ErrCrowded},
	} {
		if _, err := check(c.archive); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}

	// Each byte class: the bytes of headers, of what is packed, of the list of files. Either the
	// change is found, or (the last bits of what is packed mean nothing) each file reads the same.
	for at := 0; at < len(good); at += max(1, len(good)/40) {
		changed := bytes.Clone(good)
		changed[at] ^= 0x40
		r, err := check(changed)
		if err == nil && r.OK() {
			if _, same := unpacked(t, changed); fmt.Sprint(same) != fmt.Sprint(files) {
				t.Fatalf("byte %d can be changed", at)
			}
		}
	}
}

// bomb has a file say that it is as long as one of its kind can be.
func bomb(t testing.TB, names []string, files map[string][]byte, prefix string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		content := files[name]
		if strings.HasPrefix(name, prefix) {
			content = make([]byte, 2<<20)
		}
		put(t, w, name, zip.Deflate, content, len(content))
	}
	ok(t, w.Close())
	return b.Bytes()
}

// lies has a file say that it is shorter than it is.
func lies(t testing.TB, names []string, files map[string][]byte, which string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		size := len(files[name])
		if name == which {
			size--
		}
		put(t, w, name, zip.Deflate, files[name], size)
	}
	ok(t, w.Close())
	return b.Bytes()
}
