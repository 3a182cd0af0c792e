// Package browsertest opens the pages of a real server in a real browser: one
// Chromium for a whole test binary, and a tab for each visitor, with cookies of
// its own.
//
// Its one invariant: the browser reaches the servers of the test and nothing
// else, and does what hands do: it clicks where a thing is seen, and types keys.
package browsertest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The names of the servers of a test. The browser finds them on this machine,
// and no other name anywhere.
const (
	Host      = "guardians.test" // ours
	Elsewhere = "elsewhere.test" // somebody else's
)

// browser is the one Chromium of the test binary, and the certificate that it
// takes.
var browser struct {
	once sync.Once
	ctx  context.Context // of the whole browser; a tab's is its child
	end  func() error
	dir  string
	err  error

	certificate, key []byte // PEM
}

// start starts the browser with the first tab that is opened.
func start(t testing.TB) context.Context {
	t.Helper()
	browser.once.Do(func() { browser.err = launch() })
	if browser.err != nil {
		t.Fatal(browser.err)
	}
	return browser.ctx
}

// errNoBrowser says that the tests of the pages can't run. They fail then: a
// page that nobody has opened isn't known to work.
var errNoBrowser = errors.New("the tests of the pages need Chromium, which isn't here (Debian: apt-get install chromium-headless-shell fonts-noto-cjk fontconfig; make test installs it)")

func launch() (err error) {
	path, err := find()
	if err != nil {
		return err
	}
	if browser.dir, err = os.MkdirTemp("", "wardkeep-browser-"); err != nil {
		return err
	}
	pin, err := certify()
	if err != nil {
		return err
	}
	flags := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(filepath.Join(browser.dir, "profile")),
		chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(60 * time.Second), // of a machine that has other work
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("ignore-certificate-errors-spki-list", pin),
		chromedp.Flag("force-color-profile", "srgb"), // the same picture on every screen
		chromedp.Flag("lang", "zh-CN"),
	}
	for _, name := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions",
		"disable-default-apps", "disable-breakpad", "disable-dev-shm-usage", "disable-hang-monitor", "metrics-recording-only",
		"disable-background-timer-throttling", "disable-backgrounding-occluded-windows", "disable-renderer-backgrounding",
		"disable-prompt-on-repost", "disable-client-side-phishing-detection",
	} {
		flags = append(flags, chromedp.Flag(name, true))
	}
	allocated, release := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, cancel := chromedp.NewContext(allocated)
	browser.ctx = ctx
	browser.end = func() error {
		defer release()
		defer cancel()
		closing, stop := context.WithTimeout(ctx, 10*time.Second)
		defer stop()
		return chromedp.Cancel(closing)
	}
	if err := chromedp.Do(ctx); err != nil {
		return fmt.Errorf("%s doesn't start: %w", path, err)
	}
	return nil
}

// find returns the path of a Chromium, as scripts/install-missing looks for it. The shell is
// that browser without the windows around its pages: it shows the same, and takes two thirds of
// the processor time.
func find() (string, error) {
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoBrowser
}

// Close ends the browser, when all tests of a test binary have ended.
func Close() error {
	var err error
	if browser.end != nil {
		err = browser.end()
	}
	if browser.dir != "" {
		err = errors.Join(err, os.RemoveAll(browser.dir))
	}
	return err
}

// certify makes the certificate of every server of the test, and returns by
// which hash of its key the browser knows it.
func certify() (pin string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: Host}, DNSNames: []string{Host, Elsewhere},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return "", err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	browser.certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	browser.key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	hash := sha256.Sum256(public)
	return base64.StdEncoding.EncodeToString(hash[:]), nil
}
