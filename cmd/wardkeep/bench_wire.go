package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"time"
)

// A wire is one kept connection that speaks as much HTTP/1.1 as the server's
// answers need. A general client would cost the load as much as the server.
type wire struct {
	address string
	headers []byte // of every request
	conn    net.Conn
	read    *bufio.Reader
	request []byte
	body    []byte
}

func newWire(address, key string) *wire {
	headers := "Host: " + address + "\r\nAuthorization: Bearer " + key + "\r\nContent-Type: application/json\r\n"
	return &wire{address: address, headers: []byte(headers)}
}

// open connects, if that isn't done, and sets the time by which all must be over.
func (w *wire) open(deadline time.Time) error {
	if w.conn == nil {
		conn, err := net.DialTimeout("tcp", w.address, 10*time.Second)
		if err != nil {
			return err
		}
		w.conn, w.read = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	return w.conn.SetDeadline(deadline)
}

func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
	}
}

// ask sets the next request; path is below the service, in parts.
func (w *wire) ask(method string, body []byte, path ...string) {
	r := append(w.request[:0], method...)
	r = append(r, " /v1/services/"+benchService...)
	for _, p := range path {
		r = append(r, p...)
	}
	r = append(r, " HTTP/1.1\r\n"...)
	r = append(r, w.headers...)
	w.end(r, body)
}

// visit sets the next request as a guardian's browser makes it: a form, if there is
// one, and a cookie.
func (w *wire) visit(method, path, cookie string, form []byte) {
	r := append(w.request[:0], method...)
	r = append(r, " "...)
	r = append(r, path...)
	r = append(r, " HTTP/1.1\r\nHost: "...)
	r = append(r, w.address...)
	r = append(r, "\r\nAccept-Language: zh-CN\r\n"...)
	if cookie != "" {
		r = append(r, "Cookie: "...)
		r = append(r, cookie...)
		r = append(r, "\r\n"...)
	}
	if form != nil {
		r = append(r, "Content-Type: application/x-www-form-urlencoded\r\n"...)
	}
	w.end(r, form)
}

// end ends a request with its body.
func (w *wire) end(r, body []byte) {
	if body != nil {
		r = append(r, "Content-Length: "...)
		r = strconv.AppendInt(r, int64(len(body)), 10)
		r = append(r, "\r\n"...)
	}
	r = append(r, "\r\n"...)
	w.request = append(r, body...)
}

var errWire = errors.New("bench: an answer that isn't HTTP/1.1 with a length")

var (
	contentLength = []byte("Content-Length: ")
	chunked       = []byte("Transfer-Encoding: chunked\r\n")
)

// roundTrip sends the request and reads the answer. The body is good until the
// next call.
func (w *wire) roundTrip() (status int, body []byte, err error) {
	if _, err := w.conn.Write(w.request); err != nil {
		return 0, nil, err
	}
	line, err := w.read.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 || string(line[:9]) != "HTTP/1.1 " {
		return 0, nil, errWire
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, errWire
	}
	length, inChunks := -1, false
	if status == 204 {
		length = 0
	}
	for {
		if line, err = w.read.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, nil, errWire
			}
		}
		inChunks = inChunks || bytes.Equal(line, chunked)
	}
	w.body = w.body[:0]
	if inChunks {
		return status, w.body, w.readChunks()
	}
	if length < 0 {
		return 0, nil, errWire
	}
	err = w.readMore(length)
	return status, w.body, err
}

// readChunks reads a body that comes in parts, as a page does.
func (w *wire) readChunks() error {
	for {
		line, err := w.read.ReadSlice('\n')
		if err != nil {
			return err
		}
		length, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return errWire
		}
		if err := w.readMore(int(length)); err != nil {
			return err
		}
		if _, err := w.read.Discard(len("\r\n")); err != nil || length == 0 {
			return err
		}
	}
}

// readMore adds so many bytes to the body.
func (w *wire) readMore(n int) error {
	from := len(w.body)
	w.body = append(w.body, make([]byte, n)...)
	_, err := io.ReadFull(w.read, w.body[from:])
	return err
}
