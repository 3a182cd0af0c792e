package browsertest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	cdp "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// Save clicks, waits for the file that is downloaded, and returns its path. Its name is
// what the server said.
func (e *Element) Save() string {
	t := e.tab
	t.T.Helper()
	dir := t.downloads()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	_, err := chromedp.CallBrowser(ctx, cdp.SetDownloadBehavior, cdp.SetDownloadBehaviorParams{
		Behavior: cdp.SetDownloadBehaviorBehaviorAllow, BrowserContextID: chromedp.FromContext(t.ctx).BrowserContextID, DownloadPath: dir})
	if err != nil {
		t.T.Fatal(err)
	}
	e.Click()
	for ctx.Err() == nil {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.T.Fatal(err)
		}
		if len(files) == 1 && !strings.HasSuffix(files[0].Name(), ".crdownload") && !strings.HasPrefix(files[0].Name(), ".") {
			return filepath.Join(dir, files[0].Name())
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.T.Fatalf("%s leads to no file", e.what)
	return ""
}

// downloads makes a folder that goes with the test. The browser may still have to do with
// what it has saved there.
func (t *Tab) downloads() string {
	t.T.Helper()
	dir, err := os.MkdirTemp("", "wardkeep-download-")
	if err != nil {
		t.T.Fatal(err)
	}
	t.T.Cleanup(func() {
		for range 100 {
			if err = os.RemoveAll(dir); err == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.T.Error(err)
	})
	return dir
}

// Shows waits until the page says something, or the visitor's patience is over, and
// reports whether it does.
func (t *Tab) Shows(text string) bool {
	t.T.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(t.Text(), text) {
			return true
		}
	}
	return false
}
