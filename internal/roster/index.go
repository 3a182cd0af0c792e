package roster

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"wardkeep/internal/base/pii"
	"wardkeep/internal/family/age"
)

// A digest is half a SHA-256 under a key of this Reader: enough to tell records
// apart, and nothing that could be looked up.
type digest [16]byte

// An index knows which child each record is about, without knowing the child.
type index struct {
	key      [16]byte
	children map[digest]entry
}

// An entry is what is kept of a child: 48 bytes with its key.
type entry struct {
	content digest // of the record at line, but for its birth date
	line    int    // the first usable record; 0 while there is none
	own     packed // the birth date of that record
	later   packed // the birth date to go by
}

// packed is a birth date in four bytes.
type packed uint32

func pack(b age.Birth) packed { return packed(b.Year<<16 | b.Month<<8 | b.Day) }
func (p packed) birth() age.Birth {
	return age.Birth{Year: int(p >> 16), Month: int(p >> 8 & 0xff), Day: int(p & 0xff)}
}

// note takes a record into account. Every record about a child counts as a
// source of the birth date; the first one that is usable becomes the child.
func (x *index) note(row Row, content digest, usable bool) {
	at := x.child(row.Ref)
	e, seen := x.children[at]
	later := row.Birth
	if seen {
		later = age.Later(e.later.birth(), row.Birth)
	}
	e.later = pack(later)
	if usable && e.line == 0 {
		e.line, e.content, e.own = row.Line, content, pack(row.Birth)
	}
	x.children[at] = e
}

// find returns the entry of a child that has a usable record.
func (x *index) find(ref pii.Text) (entry, bool) {
	e := x.children[x.child(ref)]
	return e, e.line > 0
}

func (x *index) child(ref pii.Text) digest {
	h := sha256.New()
	h.Write(x.key[:])
	put(h, ref.Reveal())
	return sum(h)
}

// against says what is wrong with a later record about the same child.
func (e entry) against(row Row, content digest) Reason {
	if e.content == content && e.own == pack(row.Birth) {
		return Reason{Code: Duplicate, Column: ColRef, Line: e.line}
	}
	return Reason{Code: Conflict, Column: ColRef, Line: e.line}
}

// content returns the digest of all that a record says in the columns that are
// read, but for the birth date, however wide or padded it is written.
func (rd *Reader) content(rec record) digest {
	h := sha256.New()
	h.Write(rd.known.key[:])
	for _, at := range rd.header.at {
		if at.column != ColBirth {
			put(h, fold(rec.fields[at.index]))
		}
	}
	return sum(h)
}

// put writes s with its length, so that ("a","bc") and ("ab","c") differ.
func put(h hash.Hash, s string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(s)))
	h.Write(n[:])
	h.Write([]byte(s))
}

func sum(h hash.Hash) (d digest) {
	copy(d[:], h.Sum(nil))
	return d
}
