package app

import (
	"crypto/x509"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/notify"
	"wardkeep/internal/witness"
)

// Checkpoints says where those of the ledger are kept outside the store, so that a database that
// was put back is noticed also where no node remembers it.
type Checkpoints struct {
	// Every is how often they are kept and cosigned, 10m by default, from 1m to 24h: not more often, for
	// each is a file for good.
	Every time.Duration `yaml:"every"`
	// Within is after which time without any it is said that they aren't kept: 1h by default, or
	// three times Every, and at least that.
	Within time.Duration `yaml:"within"`
	// Folder is a directory on another disk or machine. It must be there.
	Folder string `yaml:"folder"`
	// Bucket is one of an object store that speaks S3.
	Bucket *Bucket `yaml:"bucket"`
	// Mail are addresses to which a checkpoint goes once a day, by smtp.
	Mail []string `yaml:"mail"`
	// Witnesses cosign checkpoints (C2SP tlog-witness). Need of them must have done so within Within, or it
	// is said: all of them by default.
	Witnesses []WitnessAt `yaml:"witnesses"`
	Need      int         `yaml:"need"`
	// CAFile holds authorities in PEM that may sign the certificates of witnesses and of the bucket, besides the system's.
	CAFile string `yaml:"ca_file"`
}

// A Bucket is where it is, and the key to it.
type Bucket struct {
	Endpoint   string `yaml:"endpoint"` // https://s3.example.com
	Region     string `yaml:"region"`
	Name       string `yaml:"name"`
	Prefix     string `yaml:"prefix"`
	AccessKey  string `yaml:"access_key"`
	SecretFile string `yaml:"secret_file"`
}

// place is what it is called among the keepers.
func (b *Bucket) place() string {
	return "bucket " + strings.TrimRight(b.Endpoint, "/") + "/" + b.Name + "/" + b.Prefix
}

// WitnessAt is one witness: where it takes checkpoints, where it shows what it has cosigned, if that is
// another address, and its key (C2SP signed-note, type 0x04 or 0x06).
type WitnessAt struct {
	URL   string `yaml:"url"`
	Shows string `yaml:"shows"`
	Key   string `yaml:"key"`
}

// maxWitnesses bounds whom one round asks.
const maxWitnesses = 16

func (c *Checkpoints) defaults() {
	if c.Every == 0 {
		c.Every = 10 * time.Minute
	}
	if c.Within == 0 {
		c.Within = max(time.Hour, 3*c.Every)
	}
	if c.Need == 0 {
		c.Need = len(c.Witnesses)
	}
}

func (c *Checkpoints) check(dataDir string, smtp bool, say func(key, code string)) {
	if c.Every < time.Minute || c.Every > 24*time.Hour {
		say("checkpoints.every", "app.config.checkpoints_every")
	}
	if c.Within < c.Every || c.Within > 7*24*time.Hour {
		say("checkpoints.within", "app.config.checkpoints_within")
	}
	if c.Folder != "" && within(c.Folder, dataDir) { // it would be put back with the store
		say("checkpoints.folder", "app.config.checkpoints_folder")
	}
	if b := c.Bucket; b != nil {
		u, err := url.Parse(b.Endpoint)
		if err != nil || !safe(u) || u.User != nil || strings.Trim(u.Path, "/") != "" || b.Name == "" || b.AccessKey == "" || b.SecretFile == "" {
			say("checkpoints.bucket", "app.config.checkpoints_bucket")
		}
	}
	if len(c.Mail) > 0 && (!smtp || len(c.Mail) > maxWitnesses || slices.ContainsFunc(c.Mail, func(to string) bool { return !notify.IsAddress(to) })) {
		say("checkpoints.mail", "app.config.checkpoints_mail")
	}
	if c.Need < 0 || c.Need > len(c.Witnesses) {
		say("checkpoints.need", "app.config.checkpoints_need")
	}
	names := make(map[string]bool)
	for _, w := range c.Witnesses {
		key, bad := witness.Verifier(w.Key)
		if !prefix(w.URL) || w.Shows != "" && !prefix(w.Shows) || bad != nil || names[key.Name()] || len(c.Witnesses) > maxWitnesses {
			say("checkpoints.witnesses", "app.config.checkpoints_witnesses")
			break
		}
		names[key.Name()] = true
	}
}

// prefix reports whether requests can be sent below an address, and nobody on the way reads them.
func prefix(address string) bool {
	u, err := url.Parse(address)
	return err == nil && safe(u) && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// witnesses returns those that are configured. It connects to nobody. An error is of the file of
// authorities; check has read the rest.
func (c Checkpoints) witnesses() (all []*witness.Witness, err error) {
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	for _, w := range c.Witnesses {
		key, err := witness.Verifier(w.Key)
		if err != nil {
			return nil, err
		}
		one := witness.New(w.URL, key, roots)
		if w.Shows != "" {
			one.Shows = strings.TrimRight(w.Shows, "/")
		}
		all = append(all, one)
	}
	return all, nil
}

// bucket returns the shelf in the bucket that is configured. It connects to nobody. An error is of a file.
func (c Checkpoints) bucket() (*witness.Bucket, error) {
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	secret, err := os.ReadFile(c.Bucket.SecretFile)
	if err != nil {
		return nil, err
	}
	b := c.Bucket
	return witness.OpenBucket(witness.BucketConfig{Endpoint: b.Endpoint, Region: b.Region, Name: b.Name, Prefix: b.Prefix, Access: b.AccessKey, Secret: strings.TrimSpace(string(secret)), Roots: roots})
}

func (c Checkpoints) roots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return x509.SystemCertPool()
	}
	return notify.ReadRoots(c.CAFile)
}

// within reports whether a path is a directory or lies in it. What can't be told may.
func within(path, dir string) bool {
	whole := func(path string) (string, error) {
		path, err := filepath.Abs(path)
		if real, bad := filepath.EvalSymlinks(path); bad == nil {
			path = real
		}
		return path, err
	}
	dir, err := whole(dir)
	path, bad := whole(path)
	if err != nil || bad != nil {
		return true
	}
	rel, err := filepath.Rel(dir, path)
	return err != nil || rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
