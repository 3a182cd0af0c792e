package evidence

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"

	"wardkeep/internal/ledger"
)

// An archive is one that somebody has sent. Whatever is wrong with it is found and said; it
// is never unpacked to a disk, and no file of it takes more memory than a file of its kind can.
type archive struct {
	file  io.ReaderAt
	size  int64
	zip   *zip.Reader
	files map[string]*zip.File
	found func(code, part string)

	inflate io.ReadCloser
	in      *bufio.Reader
}

// openArchive reads the list of files. Errors: ErrArchive, ErrCrowded.
func openArchive(file io.ReaderAt, size int64, found func(code, part string)) (*archive, error) {
	if err := crowded(file, size); err != nil {
		return nil, err
	}
	// How long the list is the end says, and whoever reads the list believes what else it likes.
	list := &bounded{file, maxDirectory + 1<<20}
	z, err := zip.NewReader(list, size)
	if errors.Is(err, ErrCrowded) {
		return nil, ErrCrowded
	}
	list.left = math.MaxInt64
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	a := &archive{file: file, size: size, zip: z, files: make(map[string]*zip.File, len(z.File)), found: found, in: bufio.NewReaderSize(nil, 64<<10)}
	a.inflate = flate.NewReader(a.in)
	var packed uint64
	for _, f := range z.File {
		if packed += min(f.CompressedSize64, uint64(size)+1); packed > uint64(size) {
			return nil, ErrCrowded // files share their bytes: so a small archive would take for ever to read
		}
		switch _, twice := a.files[f.Name]; {
		case !named(f.Name):
			found(FoundName, f.Name)
		case twice:
			found(FoundTwice, f.Name)
		default:
			a.files[f.Name] = f
		}
	}
	return a, nil
}

// A bounded is read to so many bytes.
type bounded struct {
	file io.ReaderAt
	left int64
}

func (b *bounded) ReadAt(p []byte, at int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, ErrCrowded
	}
	return b.file.ReadAt(p, at)
}

// crowded reads how many files there are before the list of them is: that takes memory.
func crowded(file io.ReaderAt, size int64) error {
	const end, locator, end64 = 22, 20, 56 // PKWARE APPNOTE, 4.3.14 to 4.3.16
	var b [end]byte
	if size < end {
		return ErrArchive
	}
	if _, err := file.ReadAt(b[:], size-end); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.HasPrefix(b[:], []byte("PK\x05\x06")) || binary.LittleEndian.Uint16(b[20:]) != 0 {
		return ErrArchive // cut off, or something stands behind it
	}
	files, directory := uint64(binary.LittleEndian.Uint16(b[10:])), uint64(binary.LittleEndian.Uint32(b[12:]))
	if files == 1<<16-1 || directory == 1<<32-1 {
		var l [locator]byte
		var e [end64]byte
		if size < end+locator+end64 {
			return ErrArchive
		}
		if _, err := file.ReadAt(l[:], size-end-locator); err != nil {
			return err
		}
		if _, err := file.ReadAt(e[:], size-end-locator-end64); err != nil {
			return err
		}
		if !bytes.HasPrefix(l[:], []byte("PK\x06\x07")) || !bytes.HasPrefix(e[:], []byte("PK\x06\x06")) ||
			binary.LittleEndian.Uint64(l[8:]) != uint64(size-end-locator-end64) {
			return ErrArchive
		}
		files, directory = binary.LittleEndian.Uint64(e[32:]), binary.LittleEndian.Uint64(e[40:])
	}
	if files > maxFiles || directory > maxDirectory {
		return ErrCrowded
	}
	return nil
}

// framed reports whether the archive is, byte by byte, what pack would have written around
// these files: nothing stands before, between or behind them, and no two readers can take it
// for two things.
func (a *archive) framed() (bool, error) {
	same := &comparing{file: a.file, size: a.size}
	w := zip.NewWriter(same)
	for _, f := range a.zip.File {
		if f.CompressedSize64 > uint64(a.size) || f.UncompressedSize64 > ledger.MaxFile+maxListed+maxManifest {
			return false, nil
		}
		out, err := w.CreateRaw(header(f.Name, f.Method, f.CRC32, int(f.CompressedSize64), int(f.UncompressedSize64)))
		if err != nil {
			return false, nil
		}
		raw, err := f.OpenRaw()
		if err != nil {
			return false, nil
		}
		if _, err := io.Copy(out, raw); err != nil {
			return false, same.unless(err)
		}
	}
	if err := w.Close(); err != nil {
		return false, same.unless(err)
	}
	return same.at == a.size, nil
}

// A comparing takes what is written for what should stand in a file.
type comparing struct {
	file     io.ReaderAt
	at, size int64
	buf      []byte
	broken   error
}

var errDiffers = errors.New("it differs")

func (c *comparing) Write(b []byte) (int, error) {
	if c.at+int64(len(b)) > c.size {
		return 0, errDiffers
	}
	if cap(c.buf) < len(b) {
		c.buf = make([]byte, len(b))
	}
	if _, err := c.file.ReadAt(c.buf[:len(b)], c.at); err != nil && !errors.Is(err, io.EOF) {
		c.broken = err
		return 0, err
	}
	if !bytes.Equal(c.buf[:len(b)], b) {
		return 0, errDiffers
	}
	c.at += int64(len(b))
	return len(b), nil
}

// unless returns an error that says that the file couldn't be read.
func (c *comparing) unless(error) error { return c.broken }

// read returns a file of at most so many bytes, nil if there is none or it is damaged, which
// is found.
func (a *archive) read(name string, most int64) []byte {
	f := a.files[name]
	if f == nil {
		return nil
	}
	b, code := a.content(f, most)
	if code != "" {
		a.found(code, name)
		return nil
	}
	return b
}

func (a *archive) content(f *zip.File, most int64) (b []byte, code string) {
	packed, size := f.CompressedSize64, f.UncompressedSize64
	switch {
	case size > uint64(most) || packed > uint64(most)+1<<16:
		return nil, FoundLarge
	case size > maxRatio*packed+4096:
		return nil, FoundBomb
	case f.Method != zip.Deflate && f.Method != zip.Store, f.Method == zip.Store && packed != size:
		return nil, FoundDamaged
	}
	raw, err := f.OpenRaw()
	if err != nil {
		return nil, FoundDamaged
	}
	a.in.Reset(raw)
	b = make([]byte, size)
	var in io.Reader = a.in
	if f.Method == zip.Deflate {
		if err := a.inflate.(flate.Resetter).Reset(a.in, nil); err != nil {
			return nil, FoundDamaged
		}
		in = a.inflate
	}
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, FoundDamaged
	}
	var more [1]byte
	if n, err := in.Read(more[:]); n != 0 || !errors.Is(err, io.EOF) {
		return nil, FoundDamaged // it goes on, whatever it has said
	}
	if _, err := a.in.ReadByte(); !errors.Is(err, io.EOF) || crc32.ChecksumIEEE(b) != f.CRC32 {
		return nil, FoundDamaged
	}
	return b, ""
}

// Read is that of ledger.Files.
func (a *archive) Read(name string) ([]byte, error) {
	return a.read(ledgerDir+name, ledger.MaxFile), nil
}

// Walk is that of ledger.Files.
func (a *archive) Walk(each func(name string)) error {
	for _, f := range a.zip.File {
		if name, ok := strings.CutPrefix(f.Name, ledgerDir+"tile/"); ok {
			each("tile/" + name)
		}
	}
	return nil
}
