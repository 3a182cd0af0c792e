package evidence

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"io"
)

// A pack writes the files of an archive, holding one at a time. Their sizes come before
// them, so that there is one form of each archive: see archive.framed.
type pack struct {
	zip     *zip.Writer
	deflate *flate.Writer
	buf     bytes.Buffer
	listed  []File
}

func newPack(w io.Writer) (*pack, error) {
	p := &pack{zip: zip.NewWriter(w)}
	var err error
	p.deflate, err = flate.NewWriter(&p.buf, flate.BestSpeed) // ten million entries are 4 GB
	return p, err
}

// put writes a file.
func (p *pack) put(name string, b []byte) error {
	p.buf.Reset()
	p.deflate.Reset(&p.buf)
	if _, err := p.deflate.Write(b); err != nil {
		return err
	}
	if err := p.deflate.Close(); err != nil {
		return err
	}
	method, packed := zip.Deflate, p.buf.Bytes()
	if len(packed) >= len(b) { // hashes
		method, packed = zip.Store, b
	}
	w, err := p.zip.CreateRaw(header(name, method, crc32.ChecksumIEEE(b), len(packed), len(b)))
	if err != nil {
		return err
	}
	_, err = w.Write(packed)
	return err
}

// list writes a file that the manifest names.
func (p *pack) list(name string, b []byte) error {
	p.listed = append(p.listed, File{Name: name, Size: int64(len(b)), SHA256: sum(b)})
	return p.put(name, b)
}

// header is the one that a file has: without times, rights, comments, or anything else in
// which something could be hidden.
func header(name string, method uint16, crc uint32, packed, size int) *zip.FileHeader {
	const version = 20
	return &zip.FileHeader{Name: name, Method: method, CreatorVersion: version, ReaderVersion: version, CRC32: crc,
		CompressedSize64: uint64(packed), UncompressedSize64: uint64(size)}
}
