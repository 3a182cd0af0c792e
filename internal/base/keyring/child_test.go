package keyring

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"pgregory.net/rapid"
)

// a value with where it belongs: service, child, item, version.
var adGen = rapid.SliceOfN(rapid.StringN(0, 6, -1), 0, 4)

// Article 13: a value opens with its own key, at its own place, untouched, and
// in no other way.
func TestArticle13_AValueOpensOnlyWhereItWasSealed(t *testing.T) {
	rings := map[Suite]*Ring{}
	for _, s := range []Suite{AES256GCM, SM4GCM} {
		rings[s], _, _ = fresh(t, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := rings[rapid.SampledFrom([]Suite{AES256GCM, SM4GCM}).Draw(t, "suite")]
		plain := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "plain")
		ad := adGen.Draw(t, "ad")
		key, wrapped, pool, err := r.NewChildKey("ch_1")
		if err != nil {
			t.Fatal(err)
		}
		sealed := key.Seal(plain, ad...)
		if len(sealed) != len(plain)+29 {
			t.Fatalf("%d bytes became %d", len(plain), len(sealed))
		}
		if len(plain) > 8 && bytes.Contains(sealed, plain) {
			t.Fatal("it isn't encrypted")
		}
		same, err := r.OpenChildKey("ch_1", pool, wrapped)
		if err != nil {
			t.Fatal(err)
		}
		got, err := same.Open(sealed, ad...)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("it doesn't open where it belongs: %v", err)
		}
		if err := same.Intact(sealed, ad...); err != nil {
			t.Fatalf("it isn't intact where it belongs: %v", err)
		}

		another, _, _, _ := r.NewChildKey("ch_2")
		if _, err := another.Open(sealed, ad...); err != ErrOpen {
			t.Fatalf("another child's key: %v", err)
		}
		if err := another.Intact(sealed, ad...); err != ErrOpen {
			t.Fatalf("intact under another child's key: %v", err)
		}
		if _, err := r.OpenChildKey("ch_2", pool, wrapped); !errors.Is(err, ErrOpen) {
			t.Fatalf("the wrapped key as another child's: %v", err)
		}
		if place := adGen.Draw(t, "another ad"); !bytes.Equal(bind(labelValue, place...), bind(labelValue, ad...)) {
			if _, err := key.Open(sealed, place...); err != ErrOpen {
				t.Fatalf("at another place: %v", err)
			}
		}
		at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		bit := byte(1) << rapid.IntRange(0, 7).Draw(t, "bit")
		bad := bytes.Clone(sealed)
		bad[at] ^= bit
		if _, err := key.Open(bad, ad...); err != ErrOpen {
			t.Fatalf("byte %d changed: %v", at, err)
		}
		if _, err := key.Open(sealed[:at], ad...); err != ErrOpen {
			t.Fatalf("cut to %d bytes: %v", at, err)
		}
		if _, err := key.Open(append(bytes.Clone(sealed), 0), ad...); err != ErrOpen {
			t.Fatalf("one byte more: %v", err)
		}
		w := bytes.Clone(wrapped)
		w[rapid.IntRange(0, len(w)-1).Draw(t, "wat")] ^= bit
		if _, err := r.OpenChildKey("ch_1", pool, w); !errors.Is(err, ErrOpen) {
			t.Fatalf("a changed wrapped key: %v", err)
		}
	})
}

func TestAssociatedDataHasBorders(t *testing.T) {
	r, _, _ := fresh(t, AES256GCM)
	key, _, _, _ := r.NewChildKey("ch_1")
	sealed := key.Seal([]byte("x"), "a", "bc")
	for _, ad := range [][]string{{"ab", "c"}, {"abc"}, {"a", "bc", ""}, {"", "a", "bc"}, {"bc", "a"}, nil} {
		if _, err := key.Open(sealed, ad...); err != ErrOpen {
			t.Errorf("%q opens what was sealed for a, bc", ad)
		}
	}
}

func TestBindIsInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := adGen.Draw(t, "a"), adGen.Draw(t, "b")
		same := len(a) == len(b)
		for i := 0; same && i < len(a); i++ {
			same = a[i] == b[i]
		}
		if bytes.Equal(bind(labelValue, a...), bind(labelValue, b...)) != same {
			t.Fatalf("%q and %q", a, b)
		}
	})
}

func TestAWrappedKeyIsNoValue(t *testing.T) {
	r, _, _ := fresh(t, AES256GCM)
	_, wrapped, pool, _ := r.NewChildKey("ch_1")
	k := r.keys.Load().pools[pool]
	if _, err := k.box.open(wrapped, bind(labelValue, pool, "ch_1")); err != ErrOpen {
		t.Error("what was wrapped opens as a value")
	}
}

func TestTheSameValueNeverLooksTheSame(t *testing.T) {
	for _, suite := range []Suite{AES256GCM, SM4GCM} {
		r, _, _ := fresh(t, suite)
		key, _, _, _ := r.NewChildKey("ch_1")
		seen := map[string]bool{}
		for range 1000 {
			nonce := string(key.Seal([]byte("x"))[1:13])
			if seen[nonce] {
				t.Fatal("a nonce came twice")
			}
			seen[nonce] = true
		}
	}
}

// Values of both suites stay open whichever is configured, in both directions.
func TestASuiteChangeKeepsOldValuesOpen(t *testing.T) {
	for _, way := range [][2]Suite{{AES256GCM, SM4GCM}, {SM4GCM, AES256GCM}} {
		r, stored, kek := fresh(t, way[0])
		key, wrapped, pool, _ := r.NewChildKey("ch_1")
		old := key.Seal([]byte("old"), "a")
		rotate(t, r, kek, stored, way[1])
		if s, err := r.Suite(); err != nil || s != way[1] {
			t.Fatalf("suite %s, %v", s, err)
		}
		for range 2 { // before and after its key moves to the new pool
			k, err := r.OpenChildKey("ch_1", pool, wrapped)
			if err != nil {
				t.Fatal(err)
			}
			fresh := k.Seal([]byte("new"), "a")
			if old[0] != byte(suites[way[0]]) || fresh[0] != byte(suites[way[1]]) {
				t.Errorf("%s → %s: sealed as %d, then %d", way[0], way[1], old[0], fresh[0])
			}
			for want, sealed := range map[string][]byte{"old": old, "new": fresh} {
				if got, err := k.Open(sealed, "a"); err != nil || string(got) != want {
					t.Errorf("%s → %s: %q, %v", way[0], way[1], got, err)
				}
			}
			if _, err := k.Open(append([]byte{fresh[0]}, old[1:]...), "a"); err != ErrOpen {
				t.Error("a value opens under the name of another suite")
			}
			if wrapped, pool, _, err = r.RewrapChildKey("ch_1", pool, wrapped); err != nil {
				t.Fatal(err)
			}
		}
		if pool != r.CurrentPool() {
			t.Error("the key didn't move")
		}
	}
}

func TestOpenRefusesUnknownSuites(t *testing.T) {
	r, _, _ := fresh(t, AES256GCM)
	key, _, _, _ := r.NewChildKey("ch_1")
	sealed := key.Seal([]byte("x"))
	for b := range 256 {
		if sealed[0] = byte(b); b == int(suiteAES) {
			continue
		}
		if _, err := key.Open(sealed); err != ErrOpen {
			t.Fatalf("suite byte %d: %v", b, err)
		}
	}
	for _, sealed := range [][]byte{nil, {}, {1}, {2}, bytes.Repeat([]byte{1}, 12), bytes.Repeat([]byte{2}, 28)} {
		if _, err := key.Open(sealed); err != ErrOpen {
			t.Errorf("%x: %v", sealed, err)
		}
	}
	if _, err := ParseSuite("des"); !errors.Is(err, ErrSuite) {
		t.Errorf("des: %v", err)
	}
	if s, err := ParseSuite(""); s != AES256GCM || err != nil {
		t.Errorf("the default is %s, %v", s, err)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The cipher is the one of the standards: what they sealed opens here.
func TestKnownVectors(t *testing.T) {
	for _, v := range []struct {
		source, suite, key, nonce, plain, ad, sealed string
	}{
		{"RFC 8998 A.1", "sm4", "0123456789abcdeffedcba9876543210", "00001234567800000000abcd",
			"aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
			"feedfacedeadbeeffeedfacedeadbeefabaddad2",
			"17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d" +
				"83de3541e4c2b58177e065a9bf7b62ec"},
		{"GB/T 36624-2018 C.5 2", "sm4", "00000000000000000000000000000000", "000000000000000000000000",
			"00000000000000000000000000000000", "", "7de2aa7f1110188218063be1bfeb6d89b851b5f39493752be508f1bb4482c557"},
		{"GCM specification, test case 16", "aes", "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
			"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
			"feedfacedeadbeeffeedfacedeadbeefabaddad2",
			"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" +
				"76fc6ece0f4e1768cddf8853bb2d551b"},
	} {
		var m material
		suite, key := suiteAES, m[:32]
		if v.suite == "sm4" {
			suite, key = suiteSM4, m[32:]
		}
		copy(key, unhex(t, v.key))
		b, err := m.box(suite)
		if err != nil {
			t.Fatal(err)
		}
		sealed := append([]byte{byte(suite)}, unhex(t, v.nonce+v.sealed)...)
		got, err := b.open(sealed, unhex(t, v.ad))
		if err != nil || !bytes.Equal(got, unhex(t, v.plain)) {
			t.Errorf("%s: %x, %v", v.source, got, err)
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := b.open(sealed, unhex(t, v.ad)); err != ErrOpen {
			t.Errorf("%s, changed: %v", v.source, err)
		}
	}
	// GB/T 32905-2016 A.1
	if sum := sm3.Sum([]byte("abc")); hex.EncodeToString(sum[:]) != "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0" {
		t.Errorf("SM3 of abc: %x", sum)
	}
}

func FuzzOpen(f *testing.F) {
	r, _, _ := fresh(f, AES256GCM)
	key, _, pool, _ := r.NewChildKey("ch_1")
	f.Add(key.Seal([]byte("x"))[:28])
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if _, err := key.Open(sealed, "nowhere"); err != ErrOpen {
			t.Fatalf("%v", err)
		}
		if _, err := r.OpenChildKey("nobody", pool, sealed); !errors.Is(err, ErrOpen) {
			t.Fatalf("%v", err)
		}
	})
}

func BenchmarkOpenChildKeyAndOneValue(b *testing.B) {
	for _, suite := range []Suite{AES256GCM, SM4GCM} {
		b.Run(string(suite), func(b *testing.B) {
			r, _, _ := fresh(b, suite)
			key, wrapped, pool, _ := r.NewChildKey("ch_1")
			sealed := key.Seal(make([]byte, 64), "svc", "ch_1", "class", "1")
			b.ReportAllocs()
			for b.Loop() {
				k, err := r.OpenChildKey("ch_1", pool, wrapped)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := k.Open(sealed, "svc", "ch_1", "class", "1"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, suite := range []Suite{AES256GCM, SM4GCM} {
		b.Run(string(suite), func(b *testing.B) {
			r, _, _ := fresh(b, suite)
			key, _, _, _ := r.NewChildKey("ch_1")
			plain := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				key.Seal(plain, "svc", "ch_1", "class", "1")
			}
		})
	}
}

func BenchmarkNewChildKey(b *testing.B) {
	r, _, _ := fresh(b, AES256GCM)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := r.NewChildKey("ch_1"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	for _, suite := range []Suite{AES256GCM, SM4GCM} {
		b.Run(string(suite), func(b *testing.B) {
			r, _, _ := fresh(b, suite)
			b.ReportAllocs()
			for b.Loop() {
				r.Index("phone", "svc", "13800000000")
			}
		})
	}
}
