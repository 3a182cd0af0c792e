-- +goose Up
-- +goose StatementBegin

-- Whatever belongs to a child has the child as the first column of its key: on
-- a distributed database all of it lies on one node. Times are microseconds.

-- KEYS. Every key is wrapped by the key-encryption key, which is not here.
CREATE TABLE keyring_key (
	id         text   NOT NULL PRIMARY KEY,
	purpose    text   NOT NULL, -- pool, index, sign
	suite      text   NOT NULL, -- aes-256-gcm, sm4-gcm
	wrapped    bytea  NOT NULL,
	kek        text   NOT NULL, -- the name of the key-encryption key
	state      text   NOT NULL, -- current, retiring
	created_at bigint NOT NULL
);

-- LEDGER. What waits for its place, the places, and the signed head.
CREATE TABLE ledger_pending (
	id      text   NOT NULL PRIMARY KEY,
	subject text   NOT NULL, -- the child's pseudonym, or empty
	service text   NOT NULL,
	version bigint NOT NULL, -- orders the entries of one subject: twice its version, and 1 for a use
	entry   bytea  NOT NULL
);

CREATE TABLE ledger_bundle (
	start   bigint NOT NULL PRIMARY KEY, -- the place of its first entry, a multiple of 256
	size    bigint NOT NULL,
	min_at  bigint NOT NULL,
	max_at  bigint NOT NULL,
	entries bytea  NOT NULL -- C2SP tlog-tiles entry bundle
);
CREATE INDEX ledger_bundle_max_at ON ledger_bundle (max_at, start);

CREATE TABLE ledger_tile (
	level  bigint NOT NULL,
	n      bigint NOT NULL,
	hashes bytea  NOT NULL, -- 1 to 256 hashes of 32 bytes
	PRIMARY KEY (level, n)
);

CREATE TABLE ledger_head (
	id         bigint NOT NULL PRIMARY KEY, -- always 1
	size       bigint NOT NULL,
	root       bytea  NOT NULL,
	checkpoint text   NOT NULL, -- C2SP tlog-checkpoint, signed
	at         bigint NOT NULL
);

-- What the last audit has found.
CREATE TABLE audit_run (
	id          bigint NOT NULL PRIMARY KEY, -- always 1
	at          bigint NOT NULL,
	took        bigint NOT NULL, -- milliseconds
	size        bigint NOT NULL, -- of the ledger that it folded
	root        bytea  NOT NULL, -- of that ledger
	entries     bigint NOT NULL,
	uses        bigint NOT NULL,
	children    bigint NOT NULL,
	findings    bigint NOT NULL,
	differences bigint NOT NULL,
	bound       bytea  NOT NULL  -- keyed hash of all the rest
);

-- What the last reconciliation of looks with their approvals has found.
CREATE TABLE matching_run (
	id        bigint NOT NULL PRIMARY KEY, -- always 1
	at        bigint NOT NULL,
	size      bigint NOT NULL, -- of the ledger that it read
	asked     bigint NOT NULL,
	approved  bigint NOT NULL,
	looks     bigint NOT NULL,
	exported  bigint NOT NULL,
	unmatched bigint NOT NULL,
	bound     bytea  NOT NULL  -- keyed hash of all the rest
);

CREATE TABLE lease (
	name   text   NOT NULL PRIMARY KEY,
	holder text   NOT NULL,
	until  bigint NOT NULL
);

-- When something last succeeded that must go on succeeding: write, sweep.
CREATE TABLE heartbeat (
	name text   NOT NULL PRIMARY KEY,
	at   bigint NOT NULL
);

-- CATALOG. What each service promises, and who answers for it.
CREATE TABLE service (
	service    text   NOT NULL PRIMARY KEY,
	state      text   NOT NULL, -- live, test
	version    bigint NOT NULL, -- grows with every change of what the gate reads
	charter    bigint NOT NULL, -- the published number, 0 while there is none
	officer    text   NOT NULL, -- empty while vacant
	deputy     text   NOT NULL, -- empty while vacant
	closed     text   NOT NULL, -- what nothing is done for any more: names of purposes, separated by spaces; * for all
	successor  text   NOT NULL, -- who takes over what ends: purpose, recipient, until when guardians answer, separated by spaces
	overdue    text   NOT NULL, -- processors and recipients whose orders are overdue, separated by spaces
	recalled   boolean NOT NULL, -- what was published last is lost: the gate is closed until something is published
	created_at bigint NOT NULL
);

-- The end of a service, or of one of its purposes: announced, and how far it is.
CREATE TABLE cessation (
	service      text   NOT NULL,
	purpose      text   NOT NULL, -- empty: the service itself
	reason       text   NOT NULL,
	announced_at bigint NOT NULL,
	announced_by text   NOT NULL, -- as in the ledger
	ends_at      bigint NOT NULL, -- when guardians can't look any more: then it is erased
	told_upto    text   NOT NULL, -- the guardians of children up to this key have been told
	told         bigint NOT NULL, -- of how many children
	told_at      bigint,          -- when that was all of them
	told_place   bigint,          -- how long the ledger was with all entries of it
	last_at      bigint,          -- until when the last can look of those who were told late; NULL: nobody was
	held         bigint,          -- how many children there were when erasing began
	successor    text   NOT NULL, -- the recipient that takes over; empty: nobody does
	handover     text   NOT NULL, -- the purpose that hands over to it
	assessment   text   NOT NULL, -- the document in which it was assessed; the ledger has a mark of it. Empty if an announcement was put back
	assessment_salt text NOT NULL, -- of that mark, in hex
	assessed     text   NOT NULL, -- on which day
	asked        bigint NOT NULL, -- of how many children guardians were asked about it, by the time that erasing began
	agreed       bigint NOT NULL, -- how many of them may be handed over
	refused      bigint NOT NULL, -- of how many somebody has said no
	handed       bigint NOT NULL, -- how many were handed over
	erased_upto  text   NOT NULL, -- of a purpose: the values of children up to this key are erased
	ended_at     bigint,          -- when all was erased
	children     bigint NOT NULL, -- how many that concerned, once it ended
	entry        text   NOT NULL, -- of the ledger: that it was announced. Nothing is erased without it
	PRIMARY KEY (service, purpose)
);

CREATE TABLE charter (
	service      text   NOT NULL,
	number       bigint NOT NULL,
	hash         text   NOT NULL,
	canonical    bytea  NOT NULL,
	proposed_at  bigint NOT NULL,
	proposed_by  text   NOT NULL, -- as in the ledger
	touches      text   NOT NULL, -- how many children had agreed to what it changes materially, when it was proposed: purpose=number, separated by spaces
	published_at bigint,          -- NULL while it is a draft
	published_by text   NOT NULL,
	refused_at   bigint,
	decided_by   text   NOT NULL, -- the person who has approved or refused it; empty: nobody yet, or it was published at the terminal
	words        bytea,           -- sealed: what that person has written
	bound        bytea  NOT NULL, -- keyed hash of all the rest
	PRIMARY KEY (service, number)
);

-- What purposes do to children, as the office has signed it (PIPL 55 and 56). No verb deletes a row.
CREATE TABLE impact (
	service   text   NOT NULL,
	id        text   NOT NULL,
	purpose   text   NOT NULL,
	charter   bigint NOT NULL, -- the number of the charter of which the purpose was assessed
	described text   NOT NULL, -- the hash of what that charter says of it
	outcome   text   NOT NULL, -- passed, not_passed
	signed_at bigint NOT NULL,
	signed_by text   NOT NULL, -- as in the ledger
	until     bigint NOT NULL,
	form      bytea  NOT NULL, -- sealed: what was assessed
	salt      bytea  NOT NULL, -- of what the ledger keeps of it
	bound     bytea  NOT NULL, -- keyed hash of all the rest
	PRIMARY KEY (service, id)
);
CREATE INDEX impact_signed ON impact (service, signed_at, id);

CREATE TABLE charter_purpose (
	service     text   NOT NULL,
	charter     bigint NOT NULL,
	purpose     text   NOT NULL,
	asked_since bigint NOT NULL, -- an answer to an earlier charter is stale
	PRIMARY KEY (service, charter, purpose)
);

CREATE TABLE document (
	service text   NOT NULL,
	charter bigint NOT NULL,
	kind    text   NOT NULL, -- rules, agreement, notice
	lang    text   NOT NULL,
	hash    text   NOT NULL,
	body    text   NOT NULL,
	PRIMARY KEY (service, charter, kind, lang)
);

CREATE TABLE officer (
	service      text   NOT NULL,
	id           text   NOT NULL,
	role         text   NOT NULL, -- officer, deputy
	name         text   NOT NULL, -- public (Article 8)
	contact      text   NOT NULL, -- public
	salt         bytea  NOT NULL, -- of what the ledger keeps of both
	appointed_at bigint NOT NULL,
	ended_at     bigint,
	PRIMARY KEY (service, id)
);

-- What proves that somebody was appointed, what they have learned for the office, the emergency
-- plan and its drills.
CREATE TABLE officer_record (
	service  text   NOT NULL,
	id       text   NOT NULL,
	officer  text   NOT NULL, -- empty: it is about the service
	kind     text   NOT NULL, -- appointment, training, plan, drill
	day      text   NOT NULL, -- as in 2026-05-06
	title    text   NOT NULL,
	file     text   NOT NULL, -- the type of the document's file; empty: there is none
	hash     text   NOT NULL, -- SHA-256 of the document, in hex, or empty
	document bytea,           -- sealed
	salt     bytea  NOT NULL, -- of what the ledger keeps of all that
	added_at bigint NOT NULL,
	added_by text   NOT NULL, -- as in the ledger
	PRIMARY KEY (service, id)
);
CREATE INDEX officer_record_day ON officer_record (service, day, id);
CREATE INDEX officer_record_officer ON officer_record (service, officer, kind);

-- ACCOUNT. Keys of the operator's apps, as hashes.
CREATE TABLE credential (
	hash       bytea  NOT NULL PRIMARY KEY, -- SHA-256 of the key
	id         text   NOT NULL,
	service    text   NOT NULL,
	name       text   NOT NULL,
	scopes     text   NOT NULL, -- separated by spaces
	shown_to   text   NOT NULL, -- the person whom the key was shown; empty: whoever was at the terminal
	country    text   NOT NULL, -- from which it is used, as two letters
	created_at bigint NOT NULL,
	expires_at bigint,
	revoked_at bigint,
	used_at    bigint           -- about; NULL before it was used
);
CREATE INDEX credential_service ON credential (service, id);
CREATE INDEX credential_shown ON credential (shown_to, service, id);

CREATE TABLE idempotency (
	credential text   NOT NULL,
	key        bytea  NOT NULL, -- keyed hash of Idempotency-Key and route
	request    bytea  NOT NULL, -- keyed hash of the body
	answer     bytea  NOT NULL, -- sealed
	expires_at bigint NOT NULL,
	PRIMARY KEY (credential, key)
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at, credential, key);

-- FAMILY. Children and the people who speak for them. What names a person is
-- sealed under the child's key or is a keyed hash.
CREATE TABLE child (
	child      text    NOT NULL PRIMARY KEY,
	service    text    NOT NULL,
	subject    text    NOT NULL, -- the pseudonym in the ledger; empty once erased
	version    bigint  NOT NULL,
	state      text    NOT NULL, -- unconsented, active, erased
	frozen     boolean NOT NULL,
	disputed   boolean NOT NULL,
	ref        bytea,            -- sealed; NULL once erased, as are all below
	ref_hash   bytea,
	birth      bytea,            -- sealed
	birth_from text    NOT NULL, -- who said so
	birth_version bigint NOT NULL, -- the child's, when they did; the birth date is bound to it
	turns_14   bytea,            -- keyed hash of the day
	aged       bigint  NOT NULL, -- how far that was told: 0 not at all, 1 that it comes, 2 that it has come
	-- A pool key that wraps a child's key can't be deleted, and no child can be put
	-- under one that was: not even by a server that still has it in memory.
	pool       text    REFERENCES keyring_key (id), -- NULL once erased
	wrapped    bytea,            -- the child's key; destroyed = erased
	created_at bigint  NOT NULL,
	expires_at bigint,           -- the end of an unconsented child's short life
	endings    text    NOT NULL, -- what reported events end: a line of event, purpose, when it happened, when the values end
	handed_at  bigint,           -- when something of it first went to who takes over the service; NULL: nothing did
	erased_at  bigint,
	kept_until bigint            -- of one that is erased, while a law demands to keep some of it: pool and wrapped are of a key of its own
); -- clustered
CREATE INDEX child_subject ON child (subject, child);
CREATE INDEX child_service ON child (service, child) WHERE state <> 'erased'; -- the living
CREATE INDEX child_expiry ON child (expires_at, child) WHERE expires_at IS NOT NULL;
CREATE INDEX child_waits ON child (service, expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX child_turns_14 ON child (turns_14, aged, child) WHERE turns_14 IS NOT NULL;
CREATE INDEX child_pool ON child (pool, child);

-- Children for whom a step of an end couldn't be taken: it is tried again each round, and
-- keeps nobody else waiting.
CREATE TABLE ceasing_left (
	child   text    NOT NULL,
	service text    NOT NULL,
	purpose text    NOT NULL, -- that ends; empty: the service itself
	told    boolean NOT NULL, -- its guardians are told
	ends_at bigint,           -- until when they can look, where they were told late: nothing of it is erased before
	PRIMARY KEY (child, purpose)
); -- clustered
CREATE INDEX ceasing_left_end ON ceasing_left (service, purpose, told, child);

CREATE TABLE child_ref (
	service  text  NOT NULL,
	ref_hash bytea NOT NULL,
	child    text  NOT NULL,
	PRIMARY KEY (service, ref_hash)
); -- clustered

-- For three days after an erasure its events can still be told apart.
CREATE TABLE erased_subject (
	subject bytea  NOT NULL PRIMARY KEY, -- keyed hash of the pseudonym
	child   text   NOT NULL,
	until   bigint NOT NULL,
	bound   bytea  NOT NULL -- keyed hash of the row: nobody without the keys makes or redirects one
); -- clustered
CREATE INDEX erased_subject_until ON erased_subject (until, subject);

-- Children whose guardian refused everything: they were erased, and aren't asked
-- about again when the same reference is registered anew (edge case 26).
CREATE TABLE refused_ref (
	service  text   NOT NULL,
	ref_hash bytea  NOT NULL,
	charter  bigint NOT NULL, -- the number that was refused
	until    bigint NOT NULL, -- a day: the time of the erasure leads to the pseudonym
	bound    bytea  NOT NULL, -- as in erased_subject
	PRIMARY KEY (service, ref_hash, until, charter)
);
CREATE INDEX refused_ref_until ON refused_ref (until, service, ref_hash, charter);

CREATE TABLE guardian (
	child       text   NOT NULL,
	guardian    text   NOT NULL,
	relation    text   NOT NULL,
	strength    bigint NOT NULL,
	name        bytea,           -- sealed, as are the next two, each with created_at
	phone       bytea,
	email       bytea,
	phone_hash  bytea,
	email_hash  bytea,
	created_at  bigint NOT NULL,
	verified_at bigint,
	ended_at    bigint,
	hidden_until bigint,         -- nothing that is held is shown to this one until then
	hidden_by   text   NOT NULL, -- the shield that decided it, of this tie or an earlier one of the same person; or empty
	hidden_who  bytea,           -- of a tie that ended while it was hidden: what its proof had sealed of who it was
	hidden_mark bytea  NOT NULL, -- keyed hash of the two, and of whose they are: one that isn't theirs hides
	PRIMARY KEY (child, guardian)
); -- clustered
CREATE INDEX guardian_phone ON guardian (phone_hash, child, guardian) WHERE phone_hash IS NOT NULL;
CREATE INDEX guardian_email ON guardian (email_hash, child, guardian) WHERE email_hash IS NOT NULL;

-- What is proved of a guardian and in force.
CREATE TABLE proof (
	child      text   NOT NULL,
	guardian   text   NOT NULL,
	kind       text   NOT NULL, -- adulthood, guardianship
	method     text   NOT NULL, -- number, official, document, test
	strength   bigint NOT NULL,
	at         bigint NOT NULL,
	expires_at bigint,
	sealed     bytea,           -- the keyed hash of who it is, and the provider's reference
	PRIMARY KEY (child, guardian, kind)
); -- clustered
CREATE INDEX proof_expiry ON proof (expires_at, child, guardian, kind) WHERE expires_at IS NOT NULL;

-- VERIFICATION. Attempts to prove who a guardian is. Finished ones stay for a
-- while, to be counted.
CREATE TABLE verification (
	child      text   NOT NULL,
	id         text   NOT NULL,
	service    text   NOT NULL,
	request    text   NOT NULL, -- the consent request that it began at
	guardian   text   NOT NULL,
	method     text   NOT NULL, -- number, official, document
	state      text   NOT NULL, -- started, succeeded, failed, unavailable
	session    bytea,           -- keyed hash of what the guardian's browser held; NULL once it ended
	nonce      bytea,           -- keyed hash of what the callback must know
	identity   bytea,           -- sealed: who the document is said to be of
	seen       text   NOT NULL, -- who of the staff saw the document, separated by spaces
	first      text   NOT NULL, -- who approved it first, or empty
	behind     text   NOT NULL, -- who else that might have been then, separated by spaces
	until      bigint,          -- the end of the proof, as the first one said
	started_at bigint NOT NULL,
	expires_at bigint NOT NULL, -- when it ends by itself
	due_at     bigint,          -- when the sweep has something to do
	PRIMARY KEY (child, id)
);
CREATE INDEX verification_id ON verification (id, child);
CREATE INDEX verification_due ON verification (due_at, child, id);
CREATE INDEX verification_seen ON verification (service, expires_at, id) WHERE method = 'document' AND state = 'started';
CREATE INDEX verification_waiting ON verification (service, method, started_at, id) WHERE state = 'started';

-- Documents until they are decided about, sealed under the child's key.
CREATE TABLE verification_document (
	child        text   NOT NULL,
	verification text   NOT NULL,
	n            bigint NOT NULL, -- which page
	kind         text   NOT NULL, -- png, jpeg, pdf
	sealed       bytea  NOT NULL,
	PRIMARY KEY (child, verification, n)
);

-- CONSENT. What was asked, what was shown, what was chosen.
CREATE TABLE consent_request (
	child       text   NOT NULL,
	id          text   NOT NULL,
	service     text   NOT NULL,
	guardian    text   NOT NULL,
	charter     bigint NOT NULL,
	purposes    text   NOT NULL, -- separated by spaces
	channel     text   NOT NULL, -- sms, email, link
	locale      text   NOT NULL,
	state       text   NOT NULL, -- pending, opened, verified, answered, expired, cancelled
	payload     bytea,           -- sealed: what the operator wants back, where to return to, what the child is called
	notice      text   NOT NULL, -- hash of what was shown, once opened: of the newest showing, or the one that was answered
	page        text   NOT NULL, -- hash of the page that showed it with its questions, or empty
	shown_lang  text   NOT NULL,
	shown_on    text   NOT NULL, -- page, api, test
	shown_at    bigint,
	shown_before text  NOT NULL, -- the other showings that may be answered: a line of language, surface, notice, page, when
	code        bytea,           -- keyed hash of the one-time code
	code_until  bigint,
	code_tries  bigint NOT NULL, -- of this code
	code_wrong  bigint NOT NULL, -- of all codes together
	code_sends  bigint NOT NULL, -- in the running hour
	code_since  bigint,          -- when that hour began
	proof       bytea,           -- keyed hash of what a verified guardian's browser holds
	proof_until bigint,
	raised      bytea,           -- keyed hash: what that proof is worth beyond a one-time code
	reading     bytea,           -- keyed hash of the proof that answered: it still reads the receipt
	reading_until bigint,
	sends       bigint NOT NULL, -- how often the request itself was sent
	sent_at     bigint,
	takeover    boolean NOT NULL, -- it asks about who takes over, as was announced before
	created_at  bigint NOT NULL,
	expires_at  bigint NOT NULL,
	verified_at bigint,
	answered_at bigint,
	due_at      bigint,          -- when the sweep has something to do; NULL once it has nothing
	PRIMARY KEY (child, id)
); -- clustered
CREATE INDEX consent_request_id ON consent_request (id, child);
CREATE INDEX consent_request_due ON consent_request (due_at, child, id) WHERE due_at IS NOT NULL;
CREATE INDEX consent_request_waits ON consent_request (service, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE consent_link (
	token   bytea   NOT NULL PRIMARY KEY, -- keyed hash of the secret of a link or of the operator's page, or of the short code
	child   text    NOT NULL,
	request text    NOT NULL,
	short   boolean NOT NULL, -- a short code: it ends with its request
	bound   bytea   NOT NULL  -- as in erased_subject
); -- clustered
CREATE INDEX consent_link_child ON consent_link (child, request);

-- How many one-time codes went to one phone or address in the running hour,
-- whoever's guardian it belongs to, and how many new links one guardian was to be
-- sent in place of old ones.
CREATE TABLE code_contact (
	contact bytea  NOT NULL PRIMARY KEY, -- keyed hash of it, or of the guardian
	sends   bigint NOT NULL,
	since   bigint NOT NULL
);
CREATE INDEX code_contact_since ON code_contact (since, contact);

-- The pages on which guardians answered, each kept once: they name nobody.
CREATE TABLE shown_page (
	hash text NOT NULL PRIMARY KEY, -- SHA-256 of body
	body text NOT NULL
);

CREATE TABLE consent (
	child     text    NOT NULL,
	id        text    NOT NULL,
	guardian  text    NOT NULL,
	request   text    NOT NULL, -- empty for a withdrawal
	purpose   text    NOT NULL,
	charter   bigint  NOT NULL,
	notice    text    NOT NULL, -- hash of what was shown
	page      text    NOT NULL, -- hash of the page that showed it, or empty
	lang      text    NOT NULL,
	channel   text    NOT NULL,
	shown_at  bigint  NOT NULL,
	given_at  bigint  NOT NULL,
	granted   boolean NOT NULL,
	takeover  boolean NOT NULL, -- what it answers asked about who takes over
	withdraws text    NOT NULL, -- the grant that this answer takes back, or empty
	strength  bigint  NOT NULL,
	ended_at  bigint,           -- NULL while it stands
	ending    text    NOT NULL, -- withdrawn, superseded; empty while it stands
	entry     text    NOT NULL, -- of the ledger
	PRIMARY KEY (child, id)
); -- clustered

-- RIGHTS. What children and guardians demand: correction, deletion, closure.
CREATE TABLE rights_request (
	child       text    NOT NULL,
	id          text    NOT NULL,
	service     text    NOT NULL,
	number      text    NOT NULL, -- what people call it
	kind        text    NOT NULL, -- access, copy, port, correct, supplement, delete_item, delete, close
	door        text    NOT NULL, -- guardian, child, contact
	guardian    text    NOT NULL, -- who asks, or empty
	item        text    NOT NULL, -- to correct or to supplement, or empty
	state       text    NOT NULL, -- open, done, refused, cancelled
	owner       text    NOT NULL, -- who of the staff handles it, or empty
	reason      text    NOT NULL, -- why it was refused, or empty
	received_at bigint  NOT NULL,
	due_at      bigint  NOT NULL,
	extended    text    NOT NULL, -- why it takes longer, or empty
	erase_at    bigint,           -- when the child is erased; NULL: a guardian is asked first, or nothing is erased
	closed_at   bigint,           -- NULL while it is open
	fetch_until bigint,           -- until when its answer is at home; NULL: somebody answers it
	froze       boolean NOT NULL, -- the child wasn't frozen before
	note        bytea,            -- sealed: what was written with it
	answer      bytea,            -- sealed: what the operator answered
	told        text    NOT NULL, -- guardian/channel/when of who was told of it before the child is erased, separated by spaces
	entry       text    NOT NULL, -- of the ledger: that it was received
	reached     text    NOT NULL, -- how it came to the staff, phone, letter, in_person, or empty
	paper       bytea,            -- sealed: the SHA-256 of the document that came with it
	steps       text    NOT NULL, -- kind/when/entry/who of what became of it, separated by spaces
	PRIMARY KEY (child, id)
);
CREATE INDEX rights_request_ended ON rights_request (service, state, closed_at, child, id) WHERE closed_at IS NOT NULL;
CREATE INDEX rights_request_ended_kind ON rights_request (service, kind, state, closed_at, child, id) WHERE closed_at IS NOT NULL;
CREATE INDEX rights_request_id ON rights_request (id, child);
CREATE INDEX rights_request_erase ON rights_request (erase_at, child, id);
CREATE INDEX rights_request_goes ON rights_request (service, erase_at) WHERE erase_at IS NOT NULL;
CREATE INDEX rights_request_port ON rights_request (fetch_until, child, id) WHERE kind = 'port' AND note IS NOT NULL;
CREATE INDEX rights_request_number ON rights_request (service, number, child, id);
CREATE INDEX rights_request_open ON rights_request (service, due_at, child, id, kind) WHERE state = 'open';
CREATE INDEX rights_request_due ON rights_request (due_at, child, id) WHERE state = 'open';

-- A copy that waits for a recipient whom a guardian has named (PIPL 45). Until when, its
-- demand says; whom, what is written with that.
CREATE TABLE rights_port (
	child    text   NOT NULL,
	id       text   NOT NULL, -- of the demand
	address  bytea  NOT NULL, -- keyed hash of what leads there; empty once it is over
	code     bytea  NOT NULL, -- keyed hash of the code, bound to address, child, demand and items; likewise
	items    text   NOT NULL, -- that were chosen, separated by spaces; empty: whatever is held
	tries    bigint NOT NULL, -- of wrong codes
	ending   text   NOT NULL, -- fetched, recalled, guessed, restored; empty while it waits, or after its time
	ended_at bigint,
	entry    text   NOT NULL, -- of the ledger, that ended it; empty while it waits
	PRIMARY KEY (child, id)
);
CREATE INDEX rights_port_address ON rights_port (address, child, id);

-- That a child is older than was said, by a document that one person has seen. The
-- second one types the same from it (edge case 3).
CREATE TABLE birth_claim (
	child      text   NOT NULL PRIMARY KEY,
	id         text   NOT NULL,
	service    text   NOT NULL,
	claimed_by text   NOT NULL, -- who of the staff has seen it first
	paper      text   NOT NULL, -- birth_certificate, household_register, identity_card, passport
	birth      bytea  NOT NULL, -- sealed
	number     bytea  NOT NULL, -- sealed: that of the document
	claimed_at bigint NOT NULL,
	expires_at bigint NOT NULL
);
CREATE INDEX birth_claim_id ON birth_claim (id, child);
CREATE INDEX birth_claim_service ON birth_claim (service, expires_at, child);
CREATE INDEX birth_claim_expiry ON birth_claim (expires_at, child);

-- SHIELD. That what is held of a child is hidden from one of its guardians: who asked,
-- who decided, and until when.
CREATE TABLE shield (
	child      text   NOT NULL,
	id         text   NOT NULL,
	service    text   NOT NULL,
	guardian   text   NOT NULL,
	reason     text   NOT NULL, -- violence, abuse, custody, child_asks, authority
	days       bigint NOT NULL, -- from the decision on
	note       bytea  NOT NULL, -- sealed
	state      text   NOT NULL, -- asked, refused, raised, lifted, replaced, over
	asker      text   NOT NULL,
	decider    text   NOT NULL, -- or empty
	asked_at   bigint NOT NULL,
	decided_at bigint,
	due_at     bigint NOT NULL, -- until when it is to be decided; then, until when it lasts
	closed_at  bigint,
	PRIMARY KEY (child, id)
);
CREATE INDEX shield_id ON shield (id, child);
CREATE INDEX shield_open ON shield (service, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX shield_closed ON shield (service, due_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX shield_over ON shield (due_at, id) WHERE closed_at IS NULL;

-- LEGAL. What a law demands to keep: who has approved it, and what is kept. Nobody reads
-- it; it ends on its date.
CREATE TABLE legal_approval (
	id          text   NOT NULL PRIMARY KEY,
	service     text   NOT NULL,
	child       text   NOT NULL, -- whom it is about; empty: every child of the service
	items       text   NOT NULL, -- separated by spaces
	basis       text   NOT NULL, -- ecommerce, network_log, service_log, other
	number      text   NOT NULL, -- of the document; the ledger has a mark of it and of the next
	salt        bytea  NOT NULL, -- of the mark
	document    text   NOT NULL, -- SHA-256 of it
	until       bigint NOT NULL, -- nothing is kept longer by it
	approved_at bigint NOT NULL,
	approved_by text   NOT NULL, -- as the ledger names actors
	ended_at    bigint,          -- when it was taken back
	entry       text   NOT NULL  -- of the ledger
);
CREATE INDEX legal_approval_child ON legal_approval (service, child, id);
CREATE UNIQUE INDEX legal_approval_document ON legal_approval (service, child, basis, document);

CREATE TABLE kept_value (
	child    text   NOT NULL,
	id       text   NOT NULL, -- of what was kept at once
	item     text   NOT NULL,
	service  text   NOT NULL,
	approval text   NOT NULL,
	basis    text   NOT NULL,
	until    bigint NOT NULL,
	sealed   bytea  NOT NULL,
	entry    text   NOT NULL, -- of the ledger
	PRIMARY KEY (child, id, item)
);
CREATE INDEX kept_value_until ON kept_value (until, child, id, item);

-- ORDER. What processors and recipients were told to do, and that they did it. An
-- order outlives its child: from the erasure on the child is sealed in it, and from
-- the attestation on not even that.
CREATE TABLE party_order (
	id          text   NOT NULL PRIMARY KEY,
	number      text   NOT NULL, -- what people call it: how its id begins
	service     text   NOT NULL,
	party       text   NOT NULL,
	role        text   NOT NULL, -- processor, recipient
	what        text   NOT NULL, -- delete, correct, stop
	items       text   NOT NULL, -- separated by spaces
	purposes    text   NOT NULL, -- that were withdrawn, or of which the party may have the items no longer, separated by spaces
	narrowed    bigint NOT NULL, -- see party; or 0
	child       text   NOT NULL, -- empty once it is erased
	sealed      bytea,           -- the child, once it is erased, until the attestation
	issued_at   bigint NOT NULL,
	due_at      bigint NOT NULL,
	overdue_at  bigint,          -- when it was found to be overdue
	attested_at bigint,          -- NULL while it is open
	attested_by text   NOT NULL, -- as the ledger names actors, or empty
	document    text   NOT NULL, -- SHA-256 of what the party has written, or empty; the ledger has a mark of it
	salt        bytea,           -- of that mark; NULL without a document
	issued      text   NOT NULL, -- entry of the ledger
	attested    text   NOT NULL, -- entry of the ledger, or empty
	reminded    bigint NOT NULL, -- how often the party was, of two times
	remind_at   bigint           -- when it is next; NULL: no more
);
CREATE INDEX party_order_remind ON party_order (remind_at, id) WHERE attested_at IS NULL AND remind_at IS NOT NULL;
CREATE INDEX party_order_child ON party_order (child, id) WHERE child <> '';
CREATE INDEX party_order_open ON party_order (service, due_at, issued) WHERE attested_at IS NULL;
CREATE INDEX party_order_due ON party_order (due_at, issued) WHERE attested_at IS NULL;
CREATE INDEX party_order_new ON party_order (due_at, issued) WHERE attested_at IS NULL AND overdue_at IS NULL;
CREATE INDEX party_order_overdue ON party_order (service, party, issued) WHERE attested_at IS NULL AND overdue_at IS NOT NULL;
CREATE INDEX party_order_attested ON party_order (service, issued) WHERE attested_at IS NOT NULL;
CREATE INDEX party_order_answered ON party_order (service, party, role, issued) WHERE attested_at IS NOT NULL;
CREATE INDEX party_order_issued ON party_order (issued);
CREATE INDEX party_order_party ON party_order (service, party, issued);
CREATE INDEX party_order_narrowed ON party_order (service, party, narrowed) WHERE narrowed <> 0;
CREATE INDEX party_order_theirs ON party_order (service, party, role, due_at, issued) WHERE attested_at IS NULL;

-- That a party which has ended has deleted all: its own word, once for each end.
CREATE TABLE party_statement (
	service     text   NOT NULL,
	role        text   NOT NULL,
	party       text   NOT NULL,
	ended_at    bigint NOT NULL,
	attested_at bigint NOT NULL,
	attested_by text   NOT NULL, -- as the ledger names actors
	document    text   NOT NULL, -- SHA-256; the ledger has a mark of it
	salt        bytea  NOT NULL, -- of that mark
	PRIMARY KEY (service, role, party, ended_at)
);

-- PARTY. Who else gets items: processors and recipients, and the papers that each stands on.
CREATE TABLE party (
	service       text   NOT NULL,
	role          text   NOT NULL, -- processor, recipient
	name          text   NOT NULL, -- as the charter calls it
	version       bigint NOT NULL, -- of the service, at the last change of this row
	country       text   NOT NULL,
	legal_name    text   NOT NULL,
	registration  text   NOT NULL,
	contact       text   NOT NULL,
	address       text   NOT NULL,
	task          text   NOT NULL,
	salt          bytea  NOT NULL, -- of the marks that the ledger has of the above, and of subs
	registered_at bigint NOT NULL,
	registered_by text   NOT NULL, -- as the ledger names actors
	halted        text   NOT NULL, -- why it is suspended, or empty
	subs          text   NOT NULL, -- sub-processors that it has declared, one a line
	ends_at       bigint,          -- when all ends that it stands on
	assessment    text   NOT NULL, -- the paper that holds, or empty, as are the next two
	agreement     text   NOT NULL,
	mechanism     text   NOT NULL,
	check_by      bigint,          -- when the next check of a processor is owed
	told_at       bigint,          -- since when somebody in office has yet to look at what it told of by itself: that it entrusts others
	parted_upto   text   NOT NULL, -- how far the orders to delete are that follow its end, or its narrowing: a child (after a "!" if one was missed), or empty
	parted_at     bigint,          -- when all of them were issued that followed an end
	held          text   NOT NULL, -- what it may hold of children: items by purpose, JSON
	excess        text   NOT NULL, -- what of it charter and papers give it no longer
	narrowed      bigint NOT NULL, -- the version of the service in which that was so, until all orders are issued that follow, or 0
	narrowed_at   bigint,          -- when that was
	PRIMARY KEY (service, role, name)
);

-- Assessments, agreements, and mechanisms by which something crosses a border. Nothing is
-- ever changed or removed (PIPL 56: three years at least).
CREATE TABLE party_paper (
	id        text    NOT NULL PRIMARY KEY,
	service   text    NOT NULL,
	role      text    NOT NULL,
	party     text    NOT NULL,
	kind      text    NOT NULL, -- assessment, agreement, check, security_assessment, standard_contract, certification
	form      text    NOT NULL, -- all that was answered or agreed, JSON; the ledger has a mark of it
	salt      bytea   NOT NULL, -- of that mark
	passed    boolean NOT NULL, -- of an assessment and a check: computed from the form
	scope     text    NOT NULL, -- items by purpose, JSON
	from_at   bigint  NOT NULL,
	until_at  bigint  NOT NULL, -- at this moment it is over
	signed_at bigint  NOT NULL,
	signed_by text    NOT NULL, -- as the ledger names actors
	entry     text    NOT NULL  -- of the ledger
);
CREATE INDEX party_paper_party ON party_paper (service, role, party, signed_at);

-- BORDER. How many children had something leave the country in a year, of all services: see
-- border.Count. A year in which nobody did has no row.
CREATE TABLE border_year (
	year      bigint NOT NULL PRIMARY KEY, -- by the clock in China
	persons   bigint NOT NULL,
	marked_at bigint -- when it came to a number that offices are told of
);

-- In which year something of a child has left last. It goes with its child.
CREATE TABLE border_child (
	child text   NOT NULL PRIMARY KEY,
	year  bigint NOT NULL
); -- clustered

-- Keys that parties sign their requests with, and that what is pushed to them is sealed to: the
-- public halves. None is ever removed.
CREATE TABLE party_key (
	id         text   NOT NULL PRIMARY KEY,
	service    text   NOT NULL,
	role       text   NOT NULL,
	party      text   NOT NULL,
	version    bigint NOT NULL, -- of the service, at the last change of this row
	paper      text   NOT NULL, -- of party_paper: what it is bound to
	public     bytea  NOT NULL, -- Ed25519, 32 bytes; of one that is sealed to, the text of an X25519 key of age
	country    text   NOT NULL, -- in which it is used, as two letters
	bound_at   bigint NOT NULL,
	bound_by   text   NOT NULL, -- as the ledger names actors
	until_at   bigint NOT NULL, -- at this moment it is over
	revoked_at bigint
);
CREATE UNIQUE INDEX party_key_public ON party_key (public);
CREATE INDEX party_key_party ON party_key (service, role, party, bound_at, id);

-- Seats by which persons of parties sign in: see person.seat. None is ever removed.
CREATE TABLE party_seat (
	id       text   NOT NULL PRIMARY KEY,
	service  text   NOT NULL,
	role     text   NOT NULL,
	party    text   NOT NULL,
	version  bigint NOT NULL, -- of the service, at the last change of this row but the last sign-in
	paper    text   NOT NULL, -- of party_paper: what it is bound to
	country  text   NOT NULL, -- in which its person sits
	given_at bigint NOT NULL,
	given_by text   NOT NULL, -- as the ledger names actors
	until_at bigint NOT NULL, -- at this moment it is over
	taken_at bigint,
	used_at  bigint           -- when its person signed in last
);
CREATE INDEX party_seat_until ON party_seat (until_at, id) WHERE taken_at IS NULL;
CREATE INDEX party_seat_party ON party_seat (service, role, party, given_at, id);

-- Nonces of signatures that were taken, as long as one could be taken again.
CREATE TABLE party_nonce (
	key      text   NOT NULL,
	nonce    bytea  NOT NULL, -- SHA-256
	until_at bigint NOT NULL,
	PRIMARY KEY (key, nonce)
);
CREATE INDEX party_nonce_until ON party_nonce (until_at, key, nonce);

-- How many values a party has had lately, by all of its keys: see person_looks.
CREATE TABLE party_meter (
	service   text   NOT NULL,
	role      text   NOT NULL,
	party     text   NOT NULL,
	minute    bigint NOT NULL, -- since 1970, in Asia/Shanghai, as are the next two
	in_minute bigint NOT NULL,
	hour      bigint NOT NULL,
	in_hour   bigint NOT NULL,
	day       bigint NOT NULL,
	in_day    bigint NOT NULL,
	warned    bigint NOT NULL, -- the last hour in which an alarm said that there were too many
	PRIMARY KEY (service, role, party)
);

-- By what a party knows a child: see party.HandleOf.
CREATE TABLE party_handle (
	handle text NOT NULL PRIMARY KEY, -- a keyed hash of the party and the child
	child  text NOT NULL
); -- clustered
CREATE INDEX party_handle_child ON party_handle (child, handle);

-- BUNDLE. What an app has given to a party that can't ask by itself, until the party has taken
-- it. It goes with its child.
CREATE TABLE party_bundle (
	child     text   NOT NULL,
	bundle    text   NOT NULL,
	service   text   NOT NULL,
	role      text   NOT NULL, -- processor, recipient
	party     text   NOT NULL,
	key       text   NOT NULL, -- of party_key: what it is sealed to
	purpose   text   NOT NULL,
	items     text   NOT NULL, -- separated by spaces
	pushed_at bigint NOT NULL,
	until_at  bigint NOT NULL, -- at this moment nobody gets it any more
	due_at    bigint NOT NULL, -- of the next try
	tries     bigint NOT NULL,
	failure   text   NOT NULL, -- of the last try, or empty
	status    bigint NOT NULL, -- that was answered to it, or 0
	sealed    bytea  NOT NULL, -- an age file, sealed under the child's key, and bound to what it is about, and the two times of it
	PRIMARY KEY (child, bundle)
);
CREATE INDEX party_bundle_due ON party_bundle (service, party, due_at, bundle);
CREATE INDEX party_bundle_until ON party_bundle (until_at, bundle);

-- ASSISTANCE. What parties are asked about a demand, and have answered. It goes with its child.
CREATE TABLE party_task (
	child       text   NOT NULL,
	id          text   NOT NULL,
	service     text   NOT NULL,
	role        text   NOT NULL, -- processor, recipient
	party       text   NOT NULL,
	demand      text   NOT NULL, -- of rights_request
	kind        text   NOT NULL, -- what is demanded
	item        text   NOT NULL, -- of a demand about one
	items       text   NOT NULL, -- that the party may hold, separated by spaces
	asked_at    bigint NOT NULL,
	asked_by    text   NOT NULL, -- as the ledger names actors
	due_at      bigint NOT NULL,
	answered_at bigint,          -- NULL while it is open
	answered_by text   NOT NULL,
	answer      text   NOT NULL, -- has, nothing, done; lapsed: the demand ended first; empty while it is open
	words       bytea,           -- sealed under the child's key: what the party has written
	PRIMARY KEY (child, id)
);
CREATE INDEX party_task_id ON party_task (id);
CREATE INDEX party_task_open ON party_task (service, due_at, id) WHERE answered_at IS NULL;
CREATE INDEX party_task_theirs ON party_task (service, role, party, due_at, id) WHERE answered_at IS NULL;

-- Alarms that were raised about what of a party has a day: one of each.
CREATE TABLE party_alarm (
	service text   NOT NULL,
	role    text   NOT NULL,
	party   text   NOT NULL,
	what    text   NOT NULL, -- the kind of the paper that ends, check, parting
	due_at  bigint NOT NULL, -- the day that it is about
	PRIMARY KEY (service, role, party, what, due_at)
);

-- SUSPICION. Accounts that aren't registered as a child's and may be one's.
CREATE TABLE suspicion (
	id        text   NOT NULL PRIMARY KEY,
	service   text   NOT NULL,
	source    text   NOT NULL, -- staff, parent, signal, user_report
	reporter  text   NOT NULL, -- the app
	owner     text   NOT NULL, -- of the staff, or empty
	outcome   text   NOT NULL, -- empty while it is open
	basis     text   NOT NULL, -- what was checked of who is no child
	opened_at bigint NOT NULL,
	due_at    bigint NOT NULL,
	closed_at bigint,          -- NULL while it is open
	ref       bytea,           -- sealed: what the operator calls the account; NULL once closed, as is the next
	ref_hash  bytea
);
CREATE UNIQUE INDEX suspicion_ref ON suspicion (service, ref_hash);
CREATE INDEX suspicion_open ON suspicion (service, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX suspicion_reporter ON suspicion (service, reporter, source) WHERE closed_at IS NULL;
CREATE INDEX suspicion_due ON suspicion (due_at, id) WHERE closed_at IS NULL;
CREATE INDEX suspicion_decided ON suspicion (service, due_at, id) WHERE closed_at IS NOT NULL;

-- TAKEDOWN. Content that was published and harms a child's information.
CREATE TABLE takedown (
	id         text   NOT NULL PRIMARY KEY,
	service    text   NOT NULL,
	source     text   NOT NULL, -- user, guardian, staff, authority, screening
	harm       text   NOT NULL, -- identifiers, picture, whereabouts, other
	reporter   text   NOT NULL, -- the app, or the person inside
	owner      text   NOT NULL, -- of the staff, or empty
	outcome    text   NOT NULL, -- empty until it is decided
	ground     text   NOT NULL, -- why it may stay
	opened_at  bigint NOT NULL,
	taken_at   bigint,          -- when somebody first looked after it
	decided_at bigint,
	due_at     bigint NOT NULL, -- the next step
	closed_at  bigint,          -- NULL while it is open
	ref        bytea,           -- sealed: what the operator calls the content; NULL once closed, as is the next
	ref_hash   bytea
);
CREATE UNIQUE INDEX takedown_ref ON takedown (service, ref_hash);
CREATE INDEX takedown_open ON takedown (service, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX takedown_reporter ON takedown (service, reporter, source) WHERE closed_at IS NULL;
CREATE INDEX takedown_closed ON takedown (service, due_at, id) WHERE closed_at IS NOT NULL;

-- STREAM. What systems keep automatically, and can't be told to be a child's (Article 28).
CREATE TABLE log_stream (
	id            text    NOT NULL PRIMARY KEY,
	service       text    NOT NULL, -- whose office answers for it
	shared        boolean NOT NULL, -- other services write to it, too
	reason        text    NOT NULL, -- why it can't be told to be a child's
	form          text    NOT NULL, -- what it is: JSON
	salt          bytea   NOT NULL, -- of the mark that the ledger has of the form
	registered_at bigint  NOT NULL,
	registered_by text    NOT NULL,
	test          text    NOT NULL, -- the last one, or empty
	joins         bigint  NOT NULL, -- what that has joined with children
	due_at        bigint  NOT NULL, -- from then on it counts as a child's, unless a test shows otherwise
	raised_at     bigint,           -- when the office was told that it does
	purpose       text    NOT NULL, -- by which the charter covers it, once it has left the register
	closed_at     bigint            -- NULL while it is on the register
);
CREATE INDEX log_stream_open ON log_stream (service, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX log_stream_due ON log_stream (due_at, id) WHERE closed_at IS NULL;
CREATE INDEX log_stream_shared ON log_stream (due_at, id) WHERE shared AND closed_at IS NULL;
CREATE INDEX log_stream_closed ON log_stream (service, due_at, id) WHERE closed_at IS NOT NULL;

-- A test whether a stream can be joined with a child. It never changes, and nothing is ever removed.
CREATE TABLE join_test (
	id      text   NOT NULL PRIMARY KEY,
	stream  text   NOT NULL,
	form    text   NOT NULL, -- what was tested, how, and what came of it: JSON
	salt    bytea  NOT NULL, -- of the mark that the ledger has of it
	made_at bigint NOT NULL,
	made_by text   NOT NULL
);
CREATE INDEX join_test_stream ON join_test (stream, made_at, id);

-- INCIDENT. What was, or may have been, leaked, changed or lost (Article 21). Nothing is ever removed.
CREATE TABLE incident (
	id         text    NOT NULL PRIMARY KEY,
	service    text    NOT NULL,
	source     text    NOT NULL, -- staff, party, app, alarm
	role       text    NOT NULL, -- of the party that has reported it: processor, recipient; or empty, as is the next
	party      text    NOT NULL,
	reporter   text    NOT NULL, -- as the ledger names actors
	kind       text    NOT NULL, -- leaked, altered, lost, misused
	suspected  boolean NOT NULL, -- that it may have happened is all that is known
	items      text    NOT NULL, -- separated by spaces; empty: nobody knows
	children   bigint  NOT NULL, -- roughly; 0: nobody knows
	began_at   bigint,
	noticed_at bigint  NOT NULL,
	opened_at  bigint  NOT NULL,
	grade      text    NOT NULL, -- minor, unclear, serious; empty until somebody has looked
	graded_by  text    NOT NULL, -- as the ledger names actors, or empty
	triaged_at bigint,           -- when somebody first did
	due_at     bigint  NOT NULL, -- the next step
	outcome    text    NOT NULL, -- empty while it is open
	closed_by  text    NOT NULL,
	closed_at  bigint,           -- NULL while it is open
	notes      bigint  NOT NULL, -- how many texts there are
	steps      text    NOT NULL, -- that were taken, each once: plan, remedy, report, wrapped, unreported, notice, warning, untold; separated by spaces
	cause      text    NOT NULL, -- of the alarm that has opened it: burst, decoy, audit, sweep; or empty
	suspect    text    NOT NULL, -- whose doing has raised it, as the ledger names actors; or empty
	drill      boolean NOT NULL, -- it is practised, and nothing of it has happened
	plan       bigint  NOT NULL, -- the emergency plan that was in force as it was opened; 0: none
	report_in  bigint  NOT NULL  -- minutes, from the report, until the authority is told of what is grave
);
CREATE INDEX incident_open ON incident (service, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX incident_due ON incident (due_at, id) WHERE closed_at IS NULL;
CREATE INDEX incident_party ON incident (service, role, party) WHERE closed_at IS NULL;
CREATE INDEX incident_closed ON incident (service, due_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX incident_cause ON incident (service, cause, suspect, opened_at) WHERE cause <> '';

-- What was written about one: with its report, with a grade, at its end, or in between.
CREATE TABLE incident_note (
	incident   text   NOT NULL,
	number     bigint NOT NULL, -- from 0 on
	written_at bigint NOT NULL,
	written_by text   NOT NULL, -- as the ledger names actors
	step       text   NOT NULL, -- that it tells of, or empty
	target     text   NOT NULL, -- what was contained: an app's key, a party, a child's pseudonym, list (all on it); or empty
	sealed     bytea  NOT NULL, -- the text
	salt       bytea  NOT NULL, -- of the mark that the ledger has of it
	PRIMARY KEY (incident, number)
);
CREATE INDEX incident_note_list ON incident_note (incident, number) WHERE target = 'list';

-- The emergency plans: what is done at once, by whom, and who is to be called. Those of before stay.
CREATE TABLE incident_plan (
	service    text    NOT NULL,
	number     bigint  NOT NULL, -- from 1 on; the last is in force
	critical   boolean NOT NULL, -- of an operator of critical information infrastructure: one hour to the authority
	minutes    text    NOT NULL, -- within which each step is done, separated by spaces
	adopted_at bigint  NOT NULL,
	adopted_by text    NOT NULL, -- as the ledger names actors
	sealed     bytea   NOT NULL, -- the plan
	salt       bytea   NOT NULL, -- of the mark that the ledger has of it
	PRIMARY KEY (service, number)
);

-- The steps of a plan that are done about a case.
CREATE TABLE incident_tick (
	incident  text   NOT NULL,
	step      bigint NOT NULL, -- of the case's plan, from 0 on
	ticked_at bigint NOT NULL,
	ticked_by text   NOT NULL, -- as the ledger names actors
	PRIMARY KEY (incident, step)
);

-- Whom a case has reached, or may have: how many that ever were, in how many steps, and a hash
-- over all of them that the ledger has, too. A case that has reached nobody yet has no row.
CREATE TABLE incident_list (
	incident  text   NOT NULL PRIMARY KEY,
	children  bigint NOT NULL, -- each once; who was erased since counts still
	batches   bigint NOT NULL,
	chain     text   NOT NULL, -- hash of the last batch and the chain before it, in hex
	frozen    bigint NOT NULL, -- how many batches there were when somebody last fixed the list as evidence; 0: nobody has
	frozen_at bigint,
	frozen_by text   NOT NULL  -- as the ledger names actors, or empty
);

-- The children on the lists. Such a row goes with its child.
CREATE TABLE incident_child (
	child    text   NOT NULL,
	incident text   NOT NULL,
	items    text   NOT NULL, -- separated by spaces; empty: nobody knows which
	batch    bigint NOT NULL, -- that has put it on the list, from 1 on
	added_at bigint NOT NULL,
	carried  bigint NOT NULL, -- number of the last note that was carried out on it of those for all on the list; 0: none was
	held     boolean NOT NULL, -- such a one has frozen it, and none has released it since
	PRIMARY KEY (child, incident)
); -- clustered
CREATE INDEX incident_child_incident ON incident_child (incident, child);
CREATE INDEX incident_child_carried ON incident_child (incident, carried, child);

-- What was asked of the ledger about whom a case has reached: all that it finds is put on the list.
CREATE TABLE incident_question (
	incident text   NOT NULL,
	number   bigint NOT NULL, -- from 1 on
	kind     text   NOT NULL, -- of what has come to children: key, person, processor, recipient, party_key, charter, service
	name     text   NOT NULL, -- which, or empty
	from_at  bigint,          -- NULL: from the first entry
	to_at    bigint NOT NULL,
	asked_at bigint NOT NULL,
	asked_by text   NOT NULL, -- as the ledger names actors
	done_at  bigint,          -- NULL until all are on the list
	found    bigint NOT NULL, -- how many that were, once they are; likewise the next
	gone     bigint NOT NULL, -- how many had been erased
	walk     bytea,           -- sealed: how far it is; NULL before it begins, and once it is done
	PRIMARY KEY (incident, number)
);
CREATE INDEX incident_question_open ON incident_question (asked_at, incident, number) WHERE done_at IS NULL;

-- What the authority is told of a case, or why it isn't (Article 21). Nothing is ever removed, and no version is changed.
CREATE TABLE authority_report (
	incident   text   NOT NULL,
	number     bigint NOT NULL, -- from 1 on
	service    text   NOT NULL,
	kind       text   NOT NULL, -- first, more, wrap; none: it says why the authority isn't told
	drafted_at bigint NOT NULL,
	drafted_by text   NOT NULL, -- a person inside
	done_at    bigint,          -- when somebody has said that it was sent; of none, when another person has confirmed it; NULL before
	done_by    text   NOT NULL, -- a person inside, or empty
	sent_at    bigint,          -- when that was, as they say
	channel    text   NOT NULL, -- by which it was sent: hotline, site, wechat, email, fax, visit, other; or empty
	receipts   bigint NOT NULL, -- how many answers of the authority there are
	sealed     bytea  NOT NULL, -- what it says
	salt       bytea  NOT NULL, -- of the mark that the ledger has of it
	PRIMARY KEY (incident, number)
);

-- What the authority has answered to one: a number, or a document.
CREATE TABLE authority_receipt (
	incident    text   NOT NULL,
	report      bigint NOT NULL,
	number      bigint NOT NULL, -- from 1 on
	received_at bigint NOT NULL,
	received_by text   NOT NULL, -- a person inside
	file        text   NOT NULL, -- the type of the document, or empty
	hash        text   NOT NULL, -- its SHA-256, in hex; or empty
	sealed      bytea  NOT NULL, -- the authority's number
	salt        bytea  NOT NULL, -- of the mark that the ledger has of all of it
	document    bytea,           -- sealed
	PRIMARY KEY (incident, report, number)
);

-- REACH. Which children each key, person and party has come to: an index of the ledger by stretches
-- of it. It names nobody that the ledger doesn't, and can be made anew from it.
CREATE TABLE reach_segment (
	level     bigint NOT NULL, -- 0: of 4,096 entries; each further of 16 of the one before
	n         bigint NOT NULL, -- which of its level, from 0 on
	min_at    bigint NOT NULL, -- the times of its entries
	max_at    bigint NOT NULL,
	directory bytea  NOT NULL, -- who has come to children in it, and the hashes of the parts that say to which; JSON
	bound     bytea  NOT NULL, -- keyed hash of all the rest
	PRIMARY KEY (level, n)
);

CREATE TABLE reach_part (
	level bigint NOT NULL,
	n     bigint NOT NULL,
	part  bigint NOT NULL,
	keys  bytea  NOT NULL, -- how the pseudonyms begin, in order
	PRIMARY KEY (level, n, part)
);

-- WARNING. What children and guardians are told of a case, or why nobody is (Article 21, PIPL 57). Nothing is ever removed.
CREATE TABLE breach_notice (
	id           text    NOT NULL PRIMARY KEY,
	service      text    NOT NULL,
	incident     text    NOT NULL,
	withheld     boolean NOT NULL, -- it says why nobody is told
	version      bigint  NOT NULL, -- how often it was drafted
	drafted_at   bigint  NOT NULL,
	drafted_by   text    NOT NULL,
	confirmed_at bigint,           -- NULL: nobody is told yet
	confirmed_by text    NOT NULL,
	paused       boolean NOT NULL,
	after        text    NOT NULL, -- up to which child of the case the addressees are prepared
	batches      bigint  NOT NULL,
	children     bigint  NOT NULL, -- of the case that were looked at
	addressees   bigint  NOT NULL,
	prepared_at  bigint,           -- NULL while some are left
	listed       bigint  NOT NULL, -- how many were on the list of the case when they were last gone through from the first
	warned_at    bigint,           -- the public; NULL: it isn't
	warned_by    text    NOT NULL,
	warned_until bigint,           -- NULL: until today
	sealed       bytea   NOT NULL, -- what it says
	salt         bytea   NOT NULL  -- of the mark that the ledger has of it
);
CREATE INDEX breach_notice_incident ON breach_notice (incident, drafted_at, id);
CREATE INDEX breach_notice_goes ON breach_notice (drafted_at, id) WHERE confirmed_at IS NOT NULL AND NOT withheld AND NOT paused;
CREATE INDEX breach_notice_prepared ON breach_notice (service, prepared_at, id) WHERE prepared_at IS NOT NULL;
CREATE INDEX breach_notice_warned ON breach_notice (warned_at, id) WHERE warned_at IS NOT NULL AND warned_until IS NULL;

-- Who is told by a notice: each of them once. It goes with its child.
CREATE TABLE breach_addressee (
	child      text   NOT NULL,
	notice     text   NOT NULL,
	addressee  text   NOT NULL, -- a guardian; empty: the child itself
	name       text   NOT NULL, -- as the ledger has it
	batch      bigint NOT NULL, -- with which it was prepared
	state      text   NOT NULL, -- waiting, sending, sent, told, call, letter, posted, through, unreachable, gone
	ways       text   NOT NULL, -- that were tried, separated by spaces; the last is the present one
	tries      bigint NOT NULL, -- by that one
	changed_at bigint NOT NULL,
	due_at     bigint,          -- when something is sent; NULL: nothing is by itself
	PRIMARY KEY (child, notice, addressee)
); -- clustered
CREATE INDEX breach_addressee_due ON breach_addressee (notice, due_at, child, addressee) WHERE due_at IS NOT NULL;
CREATE INDEX breach_addressee_state ON breach_addressee (notice, state, child, addressee);

-- COMPLAINT. What anybody has reported (Article 24). Nothing of who has but what they wrote, and that is sealed.
CREATE TABLE complaint (
	id              text    NOT NULL PRIMARY KEY,
	service         text    NOT NULL, -- whose office deals with it
	whole           boolean NOT NULL, -- it is about the operator as a whole
	kind            text    NOT NULL, -- collects, discloses, refuses, unsafe, content, something
	received_at     bigint  NOT NULL,
	acknowledged_at bigint,
	due_at          bigint  NOT NULL, -- the next step
	remind_at       bigint,           -- when the office is reminded of it; NULL: it was, or nothing is due
	outcome         text    NOT NULL, -- empty while it is open
	closed_at       bigint,           -- NULL while it is open
	reopened_at     bigint,           -- by its reporter, once
	erase_at        bigint  NOT NULL, -- with all that came with it
	linked          text    NOT NULL, -- the case that was made of it, or empty
	notes           bigint  NOT NULL, -- how many texts there are
	files           bigint  NOT NULL, -- how many attachments
	secret          bytea   NOT NULL, -- keyed hash of what its reporter follows it by
	challenge       bytea   NOT NULL  -- hash of the puzzle that it was sent with, which counts once
);
CREATE UNIQUE INDEX complaint_challenge ON complaint (challenge);
CREATE INDEX complaint_received ON complaint (received_at);
CREATE INDEX complaint_open ON complaint (service, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX complaint_due ON complaint (due_at, id) WHERE closed_at IS NULL;
CREATE INDEX complaint_closed ON complaint (service, due_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX complaint_remind ON complaint (remind_at, id) WHERE remind_at IS NOT NULL;
CREATE INDEX complaint_erase ON complaint (erase_at, id);

-- What was written in one: by its reporter, and in answer.
CREATE TABLE complaint_note (
	complaint  text   NOT NULL,
	number     bigint NOT NULL, -- from 0 on
	written_at bigint NOT NULL,
	written_by text   NOT NULL, -- as the ledger names actors
	sealed     bytea  NOT NULL, -- the text, with name and contact of who has reported
	salt       bytea  NOT NULL, -- of the mark that the ledger has of it
	PRIMARY KEY (complaint, number)
);

-- What came with it.
CREATE TABLE complaint_file (
	complaint text   NOT NULL,
	number    bigint NOT NULL, -- from 0 on
	note      bigint NOT NULL, -- the text that it came with
	added_at  bigint NOT NULL,
	kind      text   NOT NULL, -- of the file: application/pdf, image/png, image/jpeg, image/webp
	size      bigint NOT NULL, -- bytes
	sealed    bytea  NOT NULL,
	salt      bytea  NOT NULL, -- of the mark that the ledger has of it
	PRIMARY KEY (complaint, number)
);
CREATE INDEX complaint_file_added ON complaint_file (added_at);

-- RECTIFICATION. What an authority demands of the operator, and what has to be put right (Articles 25, 26, 27). Nothing is ever removed.
CREATE TABLE rectification (
	id        text    NOT NULL PRIMARY KEY,
	service   text    NOT NULL,
	what      text    NOT NULL, -- summons, item, sanction, credit
	part_of   text    NOT NULL, -- of an item the summons, or empty; of an entry in a credit file the sanction
	source    text    NOT NULL, -- of an item: summons, inspection, audit, incident, own
	sort      text    NOT NULL, -- of a sanction: warning, fine, confiscation, order, suspension, revocation, other
	amount    bigint  NOT NULL, -- in fen
	appealed  boolean NOT NULL,
	owner     text    NOT NULL, -- a person
	dated     text    NOT NULL, -- the day of the document, as in 2026-05-06; of an item empty
	opened_at bigint  NOT NULL,
	opened_by text    NOT NULL, -- a person
	due_at    bigint  NOT NULL, -- at this moment it is late
	done_at   bigint,           -- when its owner proved it
	done_by   text    NOT NULL, -- a person, or empty, as is closed_by
	closed_at bigint,           -- NULL until another has confirmed it
	closed_by text    NOT NULL,
	postponed bigint  NOT NULL, -- how often, as are the next two
	reopened  bigint  NOT NULL,
	reminded  bigint  NOT NULL,
	remind_at bigint,           -- the next time; NULL once it is closed
	notes     bigint  NOT NULL  -- how many texts there are
);
CREATE INDEX rectification_open ON rectification (service, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX rectification_closed ON rectification (service, due_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX rectification_what ON rectification (service, what, due_at) WHERE closed_at IS NULL;
CREATE INDEX rectification_over ON rectification (service, what) WHERE closed_at IS NOT NULL;
CREATE INDEX rectification_part ON rectification (part_of, opened_at, id);
CREATE INDEX rectification_remind ON rectification (remind_at, id) WHERE remind_at IS NOT NULL;

-- What was written about one, with the document that proves it.
CREATE TABLE rectification_note (
	rectification text   NOT NULL,
	number        bigint NOT NULL, -- from 0 on
	written_at    bigint NOT NULL,
	written_by    text   NOT NULL, -- as the ledger names actors
	file          text   NOT NULL, -- the type of the document's file; empty: there is none
	hash          text   NOT NULL, -- SHA-256 of the document, in hex, or empty
	sealed        bytea  NOT NULL, -- the text
	salt          bytea  NOT NULL, -- of the mark that the ledger has of both
	document      bytea,           -- sealed
	PRIMARY KEY (rectification, number)
);

-- YEARLY. That the audit of a year was filed, with the receipt. Nothing is ever changed or removed: what corrects a filing stands beside it.
CREATE TABLE yearly_filing (
	service  text   NOT NULL,
	year     bigint NOT NULL, -- that was audited
	number   bigint NOT NULL, -- 0: it was filed; the others correct it
	filed_at bigint NOT NULL,
	filed_by text   NOT NULL, -- as the ledger names actors
	dated    text   NOT NULL, -- the day on which it was handed in, as in 2027-01-12
	children bigint NOT NULL, -- under 14, whose information was held at filed_at
	minors   bigint NOT NULL, -- 14 to 17, likewise
	pack     bigint NOT NULL, -- the version of the pack that was handed in; 0: none of ours
	file     text   NOT NULL, -- the type of the receipt's file
	hash     text   NOT NULL, -- SHA-256 of the receipt, in hex
	sealed   bytea  NOT NULL, -- to which authority, and of a correction why
	salt     bytea  NOT NULL, -- of the mark that the ledger has of both
	document bytea  NOT NULL, -- the receipt, sealed
	PRIMARY KEY (service, year, number)
);

-- What is handed in with an audit, version by version: none is ever changed.
CREATE TABLE yearly_pack (
	service  text   NOT NULL,
	year     bigint NOT NULL, -- that was audited
	number   bigint NOT NULL, -- from 1 on
	drawn_at bigint NOT NULL,
	drawn_by text   NOT NULL, -- as the ledger names actors
	children bigint NOT NULL, -- under 14, whose information was held at drawn_at
	minors   bigint NOT NULL, -- 14 to 17, likewise
	gaps     bigint NOT NULL, -- how much it says doesn't hold, or wasn't done
	hash     text   NOT NULL, -- SHA-256 of the document, in hex
	document bytea  NOT NULL, -- the form, the answers, what is attached and the gaps, sealed
	PRIMARY KEY (service, year, number)
);

-- Archives for an authority that somebody inside has asked for. That one was made the ledger says.
CREATE TABLE evidence_bundle (
	id         text   NOT NULL PRIMARY KEY,
	asked_by   text   NOT NULL, -- as the ledger names actors
	asked_at   bigint NOT NULL,
	scope      text   NOT NULL, -- JSON: times, articles, services
	recipient  text   NOT NULL, -- to whom samples are sealed; empty: there are none
	node       text   NOT NULL, -- that makes it, and has the file; or empty
	started_at bigint,
	beat_at    bigint,          -- the last sign of life of who makes it
	done       bigint NOT NULL, -- entries that are copied
	total      bigint NOT NULL,
	ended_at   bigint,          -- it was made, or couldn't be
	until_at   bigint,          -- the file is kept
	size       bigint NOT NULL,
	hash       text   NOT NULL, -- SHA-256 of the file, in hex
	manifest   text   NOT NULL, -- SHA-256 of its manifest, as in the ledger
	failure    text   NOT NULL, -- a code, or empty
	bound      bytea  NOT NULL  -- keyed hash of what says which file it is
);
CREATE INDEX evidence_bundle_asked ON evidence_bundle (asked_at, id);

-- INSPECTION. Whom of an authority the office has invited to look at evidence, and at what they have looked.
CREATE TABLE inspection (
	id          text   NOT NULL PRIMARY KEY,
	service     text   NOT NULL,
	articles    text   NOT NULL, -- numbers, separated by spaces; empty: all
	from_at     bigint,          -- of what was before they see no rows; NULL: from the first
	before_at   bigint,          -- nor of what was at this moment and after it; NULL: to the last
	invited_at  bigint NOT NULL,
	invited_by  text   NOT NULL, -- a person
	due_at      bigint NOT NULL, -- at this moment it is over
	closed_at   bigint,          -- when somebody ended it before; NULL: nobody has
	closed_by   text   NOT NULL, -- as the ledger names actors, or empty
	looks       bigint NOT NULL, -- how many there were
	tries       bigint NOT NULL, -- wrong ones of the code that is open
	link        bytea  NOT NULL, -- keyed hash of the secret in the link
	code        bytea,           -- keyed hash of the code by which the link opens; NULL: none does
	session     bytea,           -- keyed hash of what a browser holds that is in; NULL: none is
	entered_at  bigint,          -- when it came in last; NULL: never
	seen_at     bigint,          -- when it had its last page
	bound       bytea  NOT NULL, -- keyed hash of all the others
	sealed      bytea  NOT NULL, -- who they are, of which authority, by which law and document
	salt        bytea  NOT NULL  -- of the mark that the ledger has of it
);
CREATE UNIQUE INDEX inspection_link ON inspection (link);
CREATE UNIQUE INDEX inspection_session ON inspection (session) WHERE session IS NOT NULL;
CREATE INDEX inspection_open ON inspection (service, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX inspection_closed ON inspection (service, due_at, id) WHERE closed_at IS NOT NULL;

-- At what they have looked: the row is there, and the entry, before the page is shown.
CREATE TABLE inspection_look (
	inspection text   NOT NULL,
	number     bigint NOT NULL, -- from 1 on
	looked_at  bigint NOT NULL,
	page       text   NOT NULL, -- matrix, article, register, samples, sample, bundle
	article    bigint NOT NULL, -- 0: of none
	about      text   NOT NULL, -- of a register its name, of a sample a pseudonym
	PRIMARY KEY (inspection, number)
);

-- APPROVAL. What persons inside asked to see of a child, and what another has decided.
CREATE TABLE approval (
	child     text   NOT NULL,
	id        text   NOT NULL,
	service   text   NOT NULL,
	number    text   NOT NULL, -- what people call it
	asker     text   NOT NULL, -- a person
	purpose   text   NOT NULL,
	items     text   NOT NULL, -- that were asked for, separated by spaces
	reason    text   NOT NULL, -- demand, support, complaint, safety, fault, authority
	minutes   bigint NOT NULL, -- that were asked for
	glass     boolean NOT NULL, -- it can't wait for the office: another person joins
	export    boolean NOT NULL, -- as a file, about which two persons decide
	state     text   NOT NULL, -- open, agreed (the first of two), granted, narrowed, refused, ended
	asked_at  bigint NOT NULL,
	answer_by bigint NOT NULL, -- an open one is worth nothing from then on
	first_by  text   NOT NULL, -- of an export, who was the first to agree, or empty
	first_for text   NOT NULL, -- why
	decider   text   NOT NULL, -- another person, or empty
	granted   text   NOT NULL, -- items, separated by spaces
	answer    text   NOT NULL, -- why it was decided so, or empty
	from_at   bigint,          -- NULL if nothing was granted
	until_at  bigint,
	quota     bigint NOT NULL, -- looks
	looks     bigint NOT NULL, -- so far
	ended_at  bigint,          -- before its time
	ended_by  text   NOT NULL, -- as the ledger names actors, or empty
	why       text   NOT NULL, -- given_back, revoked, restored, or empty
	ground    text   NOT NULL, -- law, life, or empty: in place of a guardian's yes
	receiver  text   NOT NULL, -- court, procuratorate, police, regulator, rescue, hospital, or empty
	level     text   NOT NULL, -- law, regulation, or empty
	country   text   NOT NULL, -- of the authority, or empty
	ends_at   bigint,          -- of a demand by law: nothing leaves from then on
	silence   text   NOT NULL, -- secret, impedes, or empty: the guardian is told at once
	silent_until bigint,       -- and is told then
	officer   boolean NOT NULL, -- one of the two who agreed held an office
	released_at bigint,        -- on such a ground: when the first of it left
	told_at   bigint,          -- when the guardian was to be told of it
	paper     bytea,           -- sealed: what is written of the ground
	note      bytea,           -- sealed: what was written with the request
	first_reply bytea,         -- sealed: what was written by who was the first to agree
	reply     bytea,           -- sealed: what was written with the decision
	review    bytea,           -- sealed: what the office has written of what was opened without it
	bound     bytea  NOT NULL, -- keyed hash of all the rest
	PRIMARY KEY (child, id)
);
CREATE INDEX approval_id ON approval (id, child);
CREATE INDEX approval_number ON approval (number, child, id);
CREATE INDEX approval_asker ON approval (asker, asked_at, id, child);
CREATE INDEX approval_service ON approval (service, asked_at, child, id);
CREATE INDEX approval_live ON approval (service, asked_at, child, id) WHERE state IN ('open', 'agreed', 'granted', 'narrowed');
CREATE INDEX approval_waits ON approval (service, asked_at, id, child) WHERE state IN ('open', 'agreed');

CREATE INDEX approval_untold ON approval (silent_until, child, id) WHERE told_at IS NULL AND released_at IS NOT NULL;
CREATE INDEX approval_open ON approval (service, answer_by, id) WHERE state IN ('open', 'agreed') AND NOT glass;

-- What two persons have opened without the office, and its review. It is about the two, and
-- stays when the child goes.
CREATE TABLE broken_glass (
	request     text   NOT NULL PRIMARY KEY,
	service     text   NOT NULL,
	asker       text   NOT NULL, -- a person
	second      text   NOT NULL, -- another
	opened_at   bigint NOT NULL,
	review_by   bigint NOT NULL, -- then both are suspended until it is reviewed
	late_at     bigint,          -- when that it wasn't was said
	reviewer    text   NOT NULL, -- a third person, or empty
	finding     text   NOT NULL, -- rightful, wrongful, or empty
	reviewed_at bigint,
	bound       bytea  NOT NULL  -- keyed hash of all the rest
);
CREATE INDEX broken_glass_asker ON broken_glass (asker, opened_at, request);
CREATE INDEX broken_glass_second ON broken_glass (second, opened_at, request);
CREATE INDEX broken_glass_asker_waits ON broken_glass (asker, review_by, request) WHERE reviewed_at IS NULL;
CREATE INDEX broken_glass_second_waits ON broken_glass (second, review_by, request) WHERE reviewed_at IS NULL;
CREATE INDEX broken_glass_service ON broken_glass (service, opened_at, request);
CREATE INDEX broken_glass_due ON broken_glass (review_by, request) WHERE reviewed_at IS NULL;
CREATE INDEX broken_glass_waits ON broken_glass (service, review_by, request) WHERE reviewed_at IS NULL;

-- Children that nobody is: whoever asks about one, or looks at it, raises an alarm, and so
-- does whose key uses it.
CREATE TABLE decoy (
	mark     bytea  NOT NULL, -- keyed hash of its pseudonym: which child it is isn't told
	since    bigint NOT NULL,
	service  text   NOT NULL,
	ended_at bigint,          -- NULL: it is one; else the row goes soon
	PRIMARY KEY (mark, since)
);

-- How often persons inside have looked, in the hour and on the day of the last look.
CREATE TABLE person_looks (
	person  text   NOT NULL PRIMARY KEY,
	hour    bigint NOT NULL, -- since 1970, in Asia/Shanghai
	in_hour bigint NOT NULL,
	day     bigint NOT NULL, -- likewise
	in_day  bigint NOT NULL,
	since   bigint NOT NULL, -- when the running burst began
	in_burst bigint NOT NULL
);

-- RECEIPT. What a guardian downloads after an erasure. Nothing leads from it to a
-- child.
CREATE TABLE certificate (
	secret bytea  NOT NULL PRIMARY KEY, -- keyed hash of that of the link
	sealed bytea  NOT NULL,             -- names of ledger entries, sealed under the secret
	until  bigint NOT NULL              -- a day: the time of the erasure leads to the pseudonym
);
CREATE INDEX certificate_until ON certificate (until);

-- What is left of a demand whose child was erased, for a while: so whoever asked finds the
-- certificate. Nothing leads from it to a child.
CREATE TABLE carried_out (
	demand bytea  NOT NULL PRIMARY KEY, -- keyed hash of its service and id
	number bytea  NOT NULL,             -- keyed hash of its service and number
	sealed bytea  NOT NULL,             -- its clock and the secret of the certificate's link, sealed under the ring and bound to the hash
	until  bigint NOT NULL              -- a day, as of the certificate
);
CREATE INDEX carried_out_number ON carried_out (number, demand);
CREATE INDEX carried_out_until ON carried_out (until);

-- VAULT. Values, sealed under the child's key.
CREATE TABLE value (
	child        text   NOT NULL,
	item         text   NOT NULL,
	service      text   NOT NULL, -- the child's
	purpose      text   NOT NULL, -- that it was collected for
	version      bigint NOT NULL,
	sealed       bytea  NOT NULL,
	collected_at bigint NOT NULL,
	expires_at   bigint NOT NULL,
	PRIMARY KEY (child, item)
); -- clustered
-- What is due, and that of no purpose anything is overdue, is read from it.
CREATE INDEX value_expiry ON value (service, purpose, expires_at, child, item);

-- RETENTION. What the sweeps have done, of each service.
CREATE TABLE sweep (
	service     text   NOT NULL PRIMARY KEY,
	erased      bigint NOT NULL, -- values past their time, so far
	told        bigint NOT NULL, -- of them, in reports
	reported_at bigint           -- when the last report was made
);

-- ACCESS. Who used what of a child, per day, as the ledger tells it.
CREATE TABLE child_access (
	child     text    NOT NULL,
	day       bigint  NOT NULL, -- since 1970, in Asia/Shanghai
	line      bytea   NOT NULL, -- SHA-256 of the six that follow
	actor     text    NOT NULL,
	activity  text    NOT NULL, -- or access: a guardian has looked
	purpose   text    NOT NULL,
	party     text    NOT NULL,
	items     text    NOT NULL, -- separated by spaces
	permitted boolean NOT NULL,
	uses      bigint  NOT NULL,
	upto      bigint  NOT NULL, -- the place in the ledger up to which they are counted
	PRIMARY KEY (child, day, line)
);
CREATE INDEX child_access_day ON child_access (day, child, line);

-- Since when nobody has used anything of a child, as the ledger tells it.
CREATE TABLE child_activity (
	child    text   NOT NULL PRIMARY KEY,
	service  text   NOT NULL, -- the child's
	last     bigint NOT NULL, -- the day of the last use, since 1970, in Asia/Shanghai
	erase_on bigint NOT NULL, -- the day on which it is erased, as its guardians were told; 0: they weren't, or it was used since
	entry    text   NOT NULL  -- of the ledger: that they are told, or empty
); -- clustered
CREATE INDEX child_activity_idle ON child_activity (service, last, child) WHERE erase_on = 0;
CREATE INDEX child_activity_told ON child_activity (service, erase_on, child) WHERE erase_on <> 0;

-- TALLY. How often what happened on which day, as the ledger tells it. Nobody is in it.
CREATE TABLE tally (
	service text   NOT NULL,
	what    text   NOT NULL, -- granted, refused, permitted, denied, demanded, answered and so on
	day     bigint NOT NULL, -- since 1970, in Asia/Shanghai
	purpose text   NOT NULL, -- or empty
	actor   text   NOT NULL, -- the kind of who did it: app, guardian, staff, staff.manager and so on
	detail  text   NOT NULL, -- what it says depends on what was counted
	n       bigint NOT NULL,
	PRIMARY KEY (service, what, day, purpose, actor, detail)
);

-- SESSION. Guardians who sign in, by a phone or an address that may be tied to
-- several children.
CREATE TABLE sign_in (
	contact    bytea  NOT NULL PRIMARY KEY, -- keyed hash of what somebody typed, known here or not
	channel    text   NOT NULL, -- sms, email
	browser    bytea  NOT NULL, -- keyed hash of what the browser holds that asked for the code
	code       bytea,           -- keyed hash, with the contact and the browser
	code_until bigint NOT NULL,
	tries      bigint NOT NULL, -- of this code
	wrong      bigint NOT NULL, -- of all codes together
	since      bigint NOT NULL  -- when the code was made
);
CREATE INDEX sign_in_browser ON sign_in (browser, contact);
CREATE INDEX sign_in_since ON sign_in (since, contact);

CREATE TABLE session (
	secret     bytea  NOT NULL PRIMARY KEY, -- keyed hash of what the browser holds
	id         text   NOT NULL,
	channel    text   NOT NULL, -- sms, email
	contact    bytea  NOT NULL, -- keyed hash, as in guardian
	passkey    text   NOT NULL, -- by which it was opened; empty: by a code
	bound      bytea  NOT NULL, -- keyed hash of the secret with all the rest
	created_at bigint NOT NULL,
	seen_at    bigint NOT NULL,
	ends_at    bigint NOT NULL
);
CREATE INDEX session_contact ON session (contact, id);
CREATE INDEX session_end ON session (ends_at, id);
CREATE INDEX session_id ON session (id);

-- What guardians sign in with instead of a code. The secret half is in their
-- devices: whoever reads this table signs in as nobody.
CREATE TABLE passkey (
	credential bytea   NOT NULL PRIMARY KEY, -- as the device calls it
	id         text    NOT NULL,
	channel    text    NOT NULL, -- sms, email
	contact    bytea   NOT NULL, -- keyed hash, as in guardian
	number     bigint  NOT NULL, -- among those of the contact
	public_key bytea   NOT NULL, -- COSE
	eligible   boolean NOT NULL, -- the device may copy it to others of the same person
	bound      bytea   NOT NULL, -- keyed hash of all that never changes
	sign_count bigint  NOT NULL, -- as the device told last
	added_at   bigint  NOT NULL,
	used_at    bigint,
	look_at    bigint  NOT NULL  -- when the sweep sees whether anybody still speaks for a child with it
);
CREATE UNIQUE INDEX passkey_id ON passkey (id);
CREATE UNIQUE INDEX passkey_contact ON passkey (contact, number);
CREATE INDEX passkey_look ON passkey (look_at, id);

-- Challenges that a passkey has answered, until they are too old anyhow.
CREATE TABLE passkey_spent (
	challenge bytea  NOT NULL PRIMARY KEY,
	until     bigint NOT NULL
);
CREATE INDEX passkey_spent_until ON passkey_spent (until, challenge);

-- STAFF. The persons inside, and what they are to which service.
CREATE TABLE person (
	id       text   NOT NULL PRIMARY KEY,
	name     text   NOT NULL, -- as colleagues see it
	salt     bytea  NOT NULL, -- of what the ledger keeps of it
	state    text   NOT NULL, -- active, left
	version  bigint NOT NULL, -- grows with every change about the person
	seat     text   NOT NULL, -- of party_seat: a person of a party, who is nobody inside; or empty
	country  text   NOT NULL, -- in which the person sits, as two letters
	added_at bigint NOT NULL,
	left_at  bigint
);
CREATE UNIQUE INDEX person_seat ON person (seat) WHERE seat <> '';
CREATE INDEX person_added ON person (added_at, id);

CREATE TABLE person_role (
	person     text   NOT NULL,
	service    text   NOT NULL, -- empty: every service
	role       text   NOT NULL, -- officer, deputy, manager, staff, engineer, auditor
	office     text   NOT NULL, -- the term of office by which it is held, while it lasts; or empty
	granted_at bigint NOT NULL,
	granted_by text   NOT NULL, -- the person who alone answers for it, or empty
	PRIMARY KEY (person, service, role, office)
);
CREATE UNIQUE INDEX person_role_office ON person_role (service, office) WHERE office <> '';

-- Who has made a link for a person, and may have used it: nobody else has confirmed the
-- person since.
CREATE TABLE person_maker (
	person text NOT NULL,
	maker  text NOT NULL, -- another person
	PRIMARY KEY (person, maker)
);

-- The public key to which files for a person are sealed.
CREATE TABLE person_recipient (
	person    text   NOT NULL PRIMARY KEY,
	recipient text   NOT NULL, -- age1…
	set_at    bigint NOT NULL,
	good_from bigint NOT NULL, -- nothing is sealed to it before
	bound     bytea  NOT NULL  -- keyed hash of all the rest
);

-- Where a person is told of alarms.
CREATE TABLE person_contact (
	person text   NOT NULL PRIMARY KEY,
	sealed bytea  NOT NULL, -- an e-mail address and a language
	set_at bigint NOT NULL,
	bound  bytea  NOT NULL  -- keyed hash of all the rest
);

-- What lists a person looks at again.
CREATE TABLE person_filter (
	person text  NOT NULL,
	list   text  NOT NULL, -- a word of the program
	name   bytea NOT NULL, -- keyed hash of the name that the person gave it
	sealed bytea NOT NULL, -- the name and the filter
	PRIMARY KEY (person, list, name)
);

-- SIGNIN. How persons inside show who they are. Nothing in these tables signs anybody
-- in: passwords are stretched, secrets sealed, and whatever opens is a keyed hash.
CREATE TABLE person_login (
	person   text   NOT NULL PRIMARY KEY,
	name     bytea  NOT NULL, -- keyed hash of what the person types
	password text   NOT NULL, -- argon2id
	totp     bytea  NOT NULL, -- sealed
	step     bigint NOT NULL, -- of the last code that counted: none before it counts again
	bound    bytea  NOT NULL, -- keyed hash of all that only the person changes
	set_at   bigint NOT NULL
);
CREATE UNIQUE INDEX person_login_name ON person_login (name);

CREATE TABLE person_recovery (
	code   bytea NOT NULL PRIMARY KEY, -- keyed hash of it, the person and the time of its login
	person text  NOT NULL
);
CREATE INDEX person_recovery_person ON person_recovery (person, code);

-- The link by which a person sets up how to sign in: one, good once.
CREATE TABLE person_invite (
	person  text   NOT NULL PRIMARY KEY,
	session text   NOT NULL, -- the person's own, in which it was asked for and with which it ends; or empty
	token   bytea  NOT NULL, -- keyed hash of the secret in the link
	bound   bytea  NOT NULL, -- keyed hash of the secret with all the rest
	until   bigint NOT NULL
);
CREATE UNIQUE INDEX person_invite_token ON person_invite (token);
CREATE INDEX person_invite_until ON person_invite (until, person);

CREATE TABLE person_passkey (
	credential bytea   NOT NULL PRIMARY KEY, -- as the device calls it
	id         text    NOT NULL,
	person     text    NOT NULL,
	number     bigint  NOT NULL, -- among those of the person
	public_key bytea   NOT NULL, -- COSE
	eligible   boolean NOT NULL, -- the device may copy it to others of the same person
	bound      bytea   NOT NULL, -- keyed hash of all that never changes
	sign_count bigint  NOT NULL, -- as the device told last
	added_at   bigint  NOT NULL
);
CREATE UNIQUE INDEX person_passkey_id ON person_passkey (id);
CREATE UNIQUE INDEX person_passkey_number ON person_passkey (person, number);

-- Whom the operator's OpenID provider means. Who has left stays here: a subject leads to
-- one person for good.
CREATE TABLE person_identity (
	person    text   NOT NULL PRIMARY KEY,
	subject   bytea  NOT NULL, -- keyed hash of the provider and of what it calls the person
	bound     bytea  NOT NULL, -- keyed hash of all of it
	linked_at bigint NOT NULL
);
CREATE UNIQUE INDEX person_identity_subject ON person_identity (subject);

CREATE TABLE person_session (
	secret     bytea  NOT NULL PRIMARY KEY, -- keyed hash of what the browser holds
	id         text   NOT NULL,
	person     text   NOT NULL,
	way        text   NOT NULL, -- password, passkey, provider
	bound      bytea  NOT NULL, -- keyed hash of the secret with all that only the person changes
	created_at bigint NOT NULL,
	fresh_at   bigint NOT NULL, -- when the person showed last who it is
	most_until bigint NOT NULL, -- whatever is done, it is over then
	seen_at    bigint NOT NULL,
	ends_at    bigint NOT NULL  -- if no page is opened until then
);
CREATE UNIQUE INDEX person_session_id ON person_session (id);
CREATE INDEX person_session_person ON person_session (person, id);
CREATE INDEX person_session_end ON person_session (ends_at, id);

-- Wrong tries, of a name that somebody has and of one that nobody has.
CREATE TABLE person_guess (
	name         bytea  NOT NULL PRIMARY KEY, -- keyed hash of what was typed
	wrong        bigint NOT NULL,
	since        bigint NOT NULL, -- the last one
	missed       bigint NOT NULL, -- of wrong ones, those with the right password
	missed_since bigint NOT NULL, -- the first of them, of a day
	locked_until bigint NOT NULL
);
CREATE INDEX person_guess_since ON person_guess (since, name);

-- WEBHOOK. Where the operator's systems are told of events, and what they have
-- not taken yet: ids and pseudonyms of the ledger, and nothing else.
CREATE TABLE webhook_endpoint (
	endpoint   text   NOT NULL PRIMARY KEY,
	service    text   NOT NULL,
	version    bigint NOT NULL, -- grows with each change of the secret, the address or the types
	types      text   NOT NULL, -- of the events, separated by spaces; empty: all
	party      text   NOT NULL, -- the processor or recipient that is told of its orders, gets what is pushed to it, and nothing else, or empty
	sealed     bytea  NOT NULL, -- address and secrets, bound to all of the above
	shown_to   text   NOT NULL, -- the person whom the secret was shown that signs; empty: whoever was at the terminal
	created_at bigint NOT NULL,
	delivered  bigint NOT NULL, -- how many were taken
	failed     bigint NOT NULL, -- how many tries failed
	paused_at  bigint           -- NULL while events are sent to it
);
CREATE INDEX webhook_endpoint_service ON webhook_endpoint (service, endpoint);
CREATE INDEX webhook_endpoint_shown ON webhook_endpoint (shown_to, service, endpoint);

CREATE TABLE webhook_delivery (
	endpoint  text   NOT NULL,
	place     bigint NOT NULL, -- of the entry in the ledger
	subject   text   NOT NULL, -- of the entry: the next about the same one waits for it
	queued_at bigint NOT NULL,
	tries     bigint NOT NULL,
	due_at    bigint,          -- of the next try; NULL once it is parked
	failure   text   NOT NULL, -- of the last try, or empty
	status    bigint NOT NULL, -- that was answered to it, or 0
	PRIMARY KEY (endpoint, place)
);
CREATE INDEX webhook_delivery_subject ON webhook_delivery (endpoint, subject, place);
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint, due_at, place);

-- Where a consumer of the ledger has got to.
CREATE TABLE ledger_cursor (
	name  text   NOT NULL PRIMARY KEY,
	place bigint NOT NULL
);

-- BACKUP. Copies of the store that are kept elsewhere: they hold the keys of
-- children who are erased later, so each has an end.
CREATE TABLE backup (
	id      text   NOT NULL PRIMARY KEY,
	made_at bigint NOT NULL,
	until   bigint NOT NULL, -- when it must be gone
	size    bigint NOT NULL, -- of the ledger in it, 0 if that isn't known
	gone_at bigint           -- NULL while it is kept
);
CREATE INDEX backup_until ON backup (until, id) WHERE gone_at IS NULL;

-- That the store was put back to what it was. A copy has a row from its making on,
-- so that nothing is served before its ledger was continued and replayed.
CREATE TABLE restoration (
	id         text   NOT NULL PRIMARY KEY,
	backup     text   NOT NULL, -- or empty
	from_place bigint NOT NULL, -- the entries from here on have changed no table
	to_place   bigint,          -- up to here; NULL until that is known
	kept       text   NOT NULL, -- but for these places: "3-7 9-10"
	entry      text   NOT NULL, -- of the ledger, or empty
	done_at    bigint           -- NULL until it was replayed
);

-- Where the store lies, as its engine knows it: one that says another place was put here by
-- tools of the engine. Empty on SQLite.
CREATE TABLE whereabouts (
	id    bigint NOT NULL PRIMARY KEY, -- 1
	place text   NOT NULL
);

-- Who keeps or cosigns checkpoints outside, and what each was told last. What it holds is read from
-- there, and not from here.
CREATE TABLE keeper (
	name     text   NOT NULL PRIMARY KEY, -- 'folder /mnt/other', 'witness witness.example/w1'
	size     bigint NOT NULL, -- of the latest checkpoint that it has taken
	taken_at bigint,          -- NULL until it has
	late_at  bigint,          -- when it is said that it has taken nothing; NULL of a witness: see cosigned
	failure  text   NOT NULL, -- the code of why the last try failed, or empty
	given_up text   NOT NULL  -- what a witness shows and the operator has given up, or empty
);

-- The latest checkpoint that enough witnesses have cosigned, with their signatures.
CREATE TABLE cosigned (
	id         bigint NOT NULL PRIMARY KEY, -- 1
	size       bigint NOT NULL,
	checkpoint text   NOT NULL, -- or empty: none yet
	late_at    bigint NOT NULL  -- when it is said that too few have
);

-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE cosigned;
DROP TABLE keeper;
DROP TABLE whereabouts;
DROP TABLE restoration;
DROP TABLE backup;
DROP TABLE ledger_cursor;
DROP TABLE webhook_delivery;
DROP TABLE webhook_endpoint;
DROP TABLE person_guess;
DROP TABLE person_session;
DROP TABLE person_identity;
DROP TABLE person_passkey;
DROP TABLE person_invite;
DROP TABLE person_recovery;
DROP TABLE person_login;
DROP TABLE person_recipient;
DROP TABLE person_contact;
DROP TABLE person_filter;
DROP TABLE person_maker;
DROP TABLE person_role;
DROP TABLE person;
DROP TABLE passkey_spent;
DROP TABLE passkey;
DROP TABLE session;
DROP TABLE sign_in;
DROP TABLE tally;
DROP TABLE child_activity;
DROP TABLE child_access;
DROP TABLE sweep;
DROP TABLE value;
DROP TABLE person_looks;
DROP TABLE decoy;
DROP TABLE broken_glass;
DROP TABLE approval;
DROP TABLE party_alarm;
DROP TABLE party_handle;
DROP TABLE party_bundle;
DROP TABLE party_meter;
DROP TABLE party_nonce;
DROP TABLE party_seat;
DROP TABLE party_key;
DROP TABLE party_paper;
DROP TABLE party;
DROP TABLE party_order;
DROP TABLE kept_value;
DROP TABLE legal_approval;
DROP TABLE party_task;
DROP TABLE party_statement;
DROP TABLE inspection_look;
DROP TABLE inspection;
DROP TABLE complaint_file;
DROP TABLE complaint_note;
DROP TABLE complaint;
DROP TABLE authority_receipt;
DROP TABLE authority_report;
DROP TABLE incident_tick;
DROP TABLE incident_plan;
DROP TABLE breach_addressee;
DROP TABLE breach_notice;
DROP TABLE incident_note;
DROP TABLE incident;
DROP TABLE join_test;
DROP TABLE log_stream;
DROP TABLE takedown;
DROP TABLE suspicion;
DROP TABLE consent;
DROP TABLE code_contact;
DROP TABLE shown_page;
DROP TABLE consent_link;
DROP TABLE consent_request;
DROP TABLE verification_document;
DROP TABLE verification;
DROP TABLE proof;
DROP TABLE guardian;
DROP TABLE refused_ref;
DROP TABLE erased_subject;
DROP TABLE child_ref;
DROP TABLE ceasing_left;
DROP TABLE child;
DROP TABLE idempotency;
DROP TABLE credential;
DROP TABLE officer;
DROP TABLE document;
DROP TABLE charter_purpose;
DROP TABLE charter;
DROP TABLE cessation;
DROP TABLE service;
DROP TABLE heartbeat;
DROP TABLE lease;
DROP TABLE audit_run;
DROP TABLE ledger_head;
DROP TABLE ledger_tile;
DROP TABLE ledger_bundle;
DROP TABLE ledger_pending;
DROP TABLE keyring_key;
-- +goose StatementEnd
