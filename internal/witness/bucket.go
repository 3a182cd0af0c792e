package witness

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	bucketTime = 10 * time.Second // for one request
	bucketPage = 2 << 20          // bytes of one answer: a page of a listing has 1,000 names
	bucketMost = 200_000          // names that are listed: more than a year's of every three minutes
)

// A Bucket is a shelf in an object store that speaks S3. With versions and a lock on its objects, nobody takes anything
// away there for as long.
type Bucket struct {
	client       *minio.Client
	name, prefix string
}

// A BucketConfig says where it is.
type BucketConfig struct {
	Endpoint string // https://s3.example.com
	Region   string // may be empty
	Name     string
	Prefix   string // "wardkeep/"; may be empty
	Access   string // the public half of the key
	Secret   string
	Roots    *x509.CertPool // nil: the system's
}

// OpenBucket connects to nobody yet.
func OpenBucket(c BucketConfig) (*Bucket, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("witness: the endpoint of a bucket is a URL without a path")
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds:      credentials.NewStaticV4(c.Access, c.Secret, ""),
		Secure:     u.Scheme == "https",
		Region:     c.Region,
		MaxRetries: 1, // the next round tries again
		Transport: bounded{&http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
			ResponseHeaderTimeout:  bucketTime,
			MaxResponseHeaderBytes: maxAnswer,
			IdleConnTimeout:        30 * time.Second,
		}},
	})
	return &Bucket{client, c.Name, c.Prefix}, err
}

// bounded reads no more of an answer than a page of a listing has: the client would read all that is sent.
type bounded struct{ http.RoundTripper }

// RoundTrip asks.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	got, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		got.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(got.Body, bucketPage), got.Body}
	}
	return got, err
}

// Names lists the objects.
func (b *Bucket) Names(ctx context.Context, from string) (names []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, bucketTime)
	defer cancel() // and the listing with it
	options := minio.ListObjectsOptions{Prefix: b.prefix}
	if from != "" {
		options.StartAfter = b.prefix + from // which is the name of none
	}
	for object := range b.client.ListObjects(ctx, b.name, options) {
		if object.Err != nil {
			return nil, object.Err
		}
		if len(names) == bucketMost {
			return nil, errors.New("witness: more objects lie there than are looked at: name another prefix")
		}
		names = append(names, strings.TrimPrefix(object.Key, b.prefix))
	}
	slices.Sort(names) // which not all stores do
	return names, ctx.Err()
}

// Read reads an object, of what a checkpoint may have.
func (b *Bucket) Read(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, bucketTime)
	defer cancel()
	object, err := b.client.GetObject(ctx, b.name, b.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	defer object.Close()
	return io.ReadAll(io.LimitReader(object, maxFile))
}

// Write writes an object. The store has it whole, or the former.
func (b *Bucket) Write(ctx context.Context, name string, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, bucketTime)
	defer cancel()
	_, err := b.client.PutObject(ctx, b.name, b.prefix+name, bytes.NewReader(text), int64(len(text)),
		minio.PutObjectOptions{ContentType: "text/plain; charset=utf-8", SendContentMd5: true}) // which a lock wants
	return err
}
