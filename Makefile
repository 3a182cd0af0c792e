# Everything an engineer does with this tree. `make` alone prints the list.
#
#   PKGS=./internal/gate/...   only these packages
#   RACE=                      without the race detector (test)
#   TIMEOUT=20m                per test binary
#   ABREAST=3                  packages at once (test)
#   TESTFLAGS='-run X -v'      further flags of go test
#   TEST_POSTGRES=URL          this PostgreSQL instead of a throw-away one

SHELL := bash
.DEFAULT_GOAL := help

PKGS      ?= ./...
# What the race detector doesn't watch: SQLite, which is C in translation, and libraries
# that turn bytes into text, into a picture or into a key. They hold nothing that is shared, and
# to watch them takes a third of the time. Nothing that locks, or that makes a generic type of
# sync, may stand here: the detector would no longer see what it orders. (A pool of what a
# library works with, and a Once for a table of its own, order nothing for anybody else.) Nor are
# pointers checked that came from unsafe: nothing here makes one. And no tables for a debugger are
# written or linked, which nobody asks of a test.
UNWATCHED ?= modernc.org/sqlite/lib modernc.org/memory strconv unicode unicode/utf8 \
	$(addprefix encoding/,base32 base64 hex) regexp regexp/syntax compress/flate hash/adler32 \
	$(addprefix image/,color draw png jpeg) $(addprefix golang.org/x/image/,vector math/fixed font/sfnt) \
	golang.org/x/crypto/scrypt $(addprefix github.com/goccy/go-yaml/,ast lexer parser token) \
	unicode/utf16 $(addprefix github.com/go-json-experiment/json/,jsontext internal/jsonwire)
# encoding/json orders by a sync.Map who reads its tables: nothing of that may be inlined into it.
UNINLINED ?= encoding/json
RACE      ?= -race '-gcflags=all=-d=checkptr=0 -dwarf=false' $(foreach p,$(UNWATCHED),'-gcflags=$(p)=-race=false -dwarf=false') \
	$(foreach p,$(UNINLINED),'-gcflags=$(p)=-race=false -dwarf=false -l') -ldflags=-s
# Each test binary may take more memory before it collects, up to a bound.
GC        ?= GOGC=400 GOMEMLIMIT=1500MiB
# How long a test binary waits at its end for a race that somebody still runs into: a tenth of
# what it would by itself.
export GORACE ?= atexit_sleep_ms=100
TIMEOUT   ?= 20m
# How many packages are tested at once: many wait for a process that they have killed, or for
# a browser, so two processors are busy with three; with four it took no less, and what waits for a
# clock got too little of them.
ABREAST   ?= $(shell echo $$(( $$(nproc) + 1 )))
# What takes longest begins first, so that nothing is left to wait for alone at the end.
LONGEST   ?= $(addprefix ./internal/,app/stories app replay console) ./cmd/wardkeep \
	$(addprefix ./internal/,cessation api retention restoration approval web charter consent)
TESTFLAGS ?=
FUZZTIME  ?= 30s
KILLS     ?= 1000
STEPS     ?= 2000
ARGS      ?=
SCREENS   ?= dist/screenshots

# A clone whose owner git doesn't trust, or a tree without git, still builds.
BUILDVCS := $(shell git status >/dev/null 2>&1 && echo auto || echo false)
export GOFLAGS := $(strip -buildvcs=$(BUILDVCS) $(GOFLAGS))

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## build bin/wardkeep
	go build -trimpath -o bin/wardkeep ./cmd/wardkeep

.PHONY: demo
demo: ## run the main job on the embedded database, nothing to install
	go run ./cmd/wardkeep demo $(ARGS)

.PHONY: test
test: ## install what is missing, check, and run every test on both engines with the race detector
	@scripts/install-missing
	@$(GC) scripts/beside $(PKGS) -- scripts/with-postgres go test -vet=off -p $(ABREAST) $(RACE) \
		-timeout $(TIMEOUT) $(TESTFLAGS) $(if $(filter ./...,$(PKGS)),$(LONGEST)) $(PKGS)

.PHONY: test-sqlite
test-sqlite: ## run every test on SQLite only: fast, nothing to install
	@env -u TEST_POSTGRES go test -timeout $(TIMEOUT) $(TESTFLAGS) $(PKGS)

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, govulncheck
	@scripts/check $(PKGS)

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (30s)
	@scripts/fuzz $(FUZZTIME)

.PHONY: soak
soak: ## kill -9 the server KILLS (1000) times under load, on both engines
	@WARDKEEP_KILLS=$(KILLS) scripts/with-postgres \
		go test -count=1 -timeout 0 -v -run 'Invariant(2|12)_|Kill' $(TESTFLAGS) $(PKGS)

.PHONY: oracle
oracle: ## try every combination of what a value leaves by, and long walks through the store, against the oracle
	@WARDKEEP_ORACLE=all go test -count=1 -timeout 0 -v -run EveryCombinationAgainstTheOracle $(TESTFLAGS) ./internal/gate
	@WARDKEEP_STEPS=$(STEPS) scripts/with-postgres go test -count=1 -timeout 0 -v -run AsTheOracle $(TESTFLAGS) ./internal/cessation

.PHONY: bench
bench: ## measure a server under load, see docs/performance.md (ARGS='--grow')
	go run ./cmd/wardkeep bench $(ARGS)

.PHONY: bench-console
bench-console: ## measure each page of the console at 100,000 children and 5,000,000 entries; one that takes longer than 30 ms fails
	go run ./cmd/wardkeep bench --console --children 100000 --entries 5000000 --connections 1 --duration 1s --runs 1 --within 30ms $(ARGS)

.PHONY: bench-screening
bench-screening: ## what one core reads of posts in a second, with a million known values, and their memory
	GOMAXPROCS=1 go test ./internal/screening -run '^$$' -bench Screen -benchtime 3s -cpu 1

.PHONY: bench-reach
bench-reach: ## how fast it is found whom something has reached, and what the index for that costs (ARGS='-entries 10000000'; -engine postgres with TEST_POSTGRES; -ledger=false for the questions alone)
	go test ./internal/reach -run '^$$' -bench Reach -timeout 3h -v $(ARGS)

.PHONY: evidence-curve
evidence-curve: ## how fast evidence bundles of 10,000 to 10,000,000 entries are made and verified, and the memory of that
	for n in 10000 100000 1000000 10000000; do EVIDENCE_ENTRIES=$$n go test ./internal/evidence -run '^$$' -bench Verify -benchtime 1x -timeout 2h || exit 1; done

.PHONY: bench-known
bench-known: ## how long the values of 100,000 held children take to be looked for after a start, and the memory of that
	go run ./cmd/wardkeep bench --known --children 100000 $(ARGS)

.PHONY: axe
axe: ## have axe-core examine every page at every stop of the stories whole, in both languages, and each list with 10,000 rows
	@scripts/install-missing
	@WARDKEEP_AXE=each go test -count=1 -timeout $(TIMEOUT) -run '^Test(Stories|Console|Desk|ConsoleOfManyRows)$$' $(TESTFLAGS) ./internal/app/stories

.PHONY: screenshots
screenshots: ## write a picture of every page, in each size, language and scheme, into SCREENS (dist/screenshots)
	@scripts/install-missing
	@rm -f "$(SCREENS)"/*.png
	@WARDKEEP_SCREENSHOTS="$(abspath $(SCREENS))" go test -count=1 -timeout $(TIMEOUT) -run '^TestScreenshots$$' ./internal/app/stories
	@echo "$$(ls "$(SCREENS)"/*.png | wc -l) pictures in $(SCREENS)"

.PHONY: generate
generate: ## write generated files again
	go generate ./...

.PHONY: golden
golden: ## write golden files again; read the diff before you commit it
	@scripts/golden

.PHONY: clean
clean: ## remove what make built
	rm -rf bin dist
