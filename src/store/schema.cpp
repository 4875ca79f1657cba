#include "store/schema.hpp"

#include <array>

namespace millrace::store {
namespace {

constexpr std::array<std::string_view, 8> all = {
    R"sql(
CREATE TABLE flows (
  name       TEXT PRIMARY KEY,
  state      TEXT NOT NULL,     -- draft | running | suspended | stopped | deleting
  origin     TEXT NOT NULL,     -- api | file
  draft      TEXT NOT NULL,     -- the flow's text as it was last saved
  revision   BIGINT NOT NULL,   -- of the draft: counts its changes
  saved_by   TEXT NOT NULL,
  saved_at   BIGINT NOT NULL,
  current    BIGINT NOT NULL,   -- number of the version that new events go to; 0: none was published
  created_at BIGINT NOT NULL
);
CREATE TABLE versions (
  flow         TEXT NOT NULL,
  number       BIGINT NOT NULL, -- counts from 1
  state        TEXT NOT NULL,   -- current | draining | retired
  source       TEXT NOT NULL,
  comment      TEXT NOT NULL,
  published_by TEXT NOT NULL,
  published_at BIGINT NOT NULL,
  PRIMARY KEY (flow, number)
);
CREATE INDEX versions_in_use ON versions (flow, number) WHERE state <> 'retired';
CREATE TABLE webhooks (
  path   TEXT NOT NULL,
  method TEXT NOT NULL,
  flow   TEXT NOT NULL,
  PRIMARY KEY (path, method)
);
CREATE INDEX webhooks_of_flow ON webhooks (flow);
CREATE TABLE tokens (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  scopes     TEXT NOT NULL,     -- separated by spaces
  digest     BYTES NOT NULL,    -- BLAKE2b-256 of the token's secret
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT             -- NULL: never
);
CREATE TABLE audit (
  number  SERIAL_KEY,
  at      BIGINT NOT NULL,
  who     TEXT NOT NULL,
  action  TEXT NOT NULL,        -- "flow.publish"
  subject TEXT NOT NULL,        -- "flow/orders"
  before  TEXT NOT NULL,        -- what it was, in short: a version, a state; or empty
  after   TEXT NOT NULL
);
CREATE INDEX audit_of_subject ON audit (subject, number);
CREATE TABLE answers (          -- to POSTs with an Idempotency-Key
  who        TEXT NOT NULL,
  key        TEXT NOT NULL,
  request    TEXT NOT NULL,     -- digest of method, path and body
  status     BIGINT NOT NULL,
  body       TEXT NOT NULL,
  answered_at BIGINT NOT NULL,
  PRIMARY KEY (who, key)
);
CREATE INDEX answers_by_age ON answers (answered_at);
)sql",
    R"sql(
CREATE TABLE scales (           -- steps whose number of instances somebody has set
  flow      TEXT NOT NULL,
  step      TEXT NOT NULL,
  instances BIGINT NOT NULL,
  PRIMARY KEY (flow, step)
);
)sql",
    R"sql(
CREATE TABLE replays (
  id         TEXT PRIMARY KEY,
  spec       TEXT NOT NULL,     -- JSON: what was asked for
  state      TEXT NOT NULL,     -- running | done | stopped | failed
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  ended_at   BIGINT NOT NULL,   -- 0: it runs
  sent       BIGINT NOT NULL,
  skipped    BIGINT NOT NULL,
  reason     TEXT NOT NULL      -- why it failed
);
CREATE INDEX replays_by_age ON replays (created_at);
CREATE INDEX replays_running ON replays (created_at) WHERE state = 'running';
)sql",
    R"sql(
CREATE TABLE credentials (
  name         TEXT PRIMARY KEY,
  type         TEXT NOT NULL,    -- basic | bearer | api_key | oauth2_client_credentials | …
  settings     TEXT NOT NULL,    -- JSON: what is no secret
  sealed       BYTES NOT NULL,   -- XChaCha20-Poly1305: what is
  revision     BIGINT NOT NULL,  -- counts what people have set
  generation   BIGINT NOT NULL,  -- counts the tokens of a revision
  state        TEXT NOT NULL,    -- ready | authorization_needed | failing
  problem      TEXT NOT NULL,    -- or empty
  verification TEXT NOT NULL,    -- JSON, or empty
  created_by   TEXT NOT NULL,
  created_at   BIGINT NOT NULL,
  changed_by   TEXT NOT NULL,
  changed_at   BIGINT NOT NULL
);
CREATE TABLE credential_uses (   -- which steps of published versions name it
  credential TEXT NOT NULL,
  flow       TEXT NOT NULL,
  version    BIGINT NOT NULL,
  step       TEXT NOT NULL,
  PRIMARY KEY (flow, version, step)
);
CREATE INDEX uses_of_credential ON credential_uses (credential);
CREATE TABLE credential_key (    -- one row: what only the right key opens
  id    BIGINT PRIMARY KEY,
  proof BYTES NOT NULL
);
)sql",
    R"sql(
CREATE TABLE startups (         -- triggers whose startup hook has run and whose shutdown hook has not
  flow    TEXT NOT NULL,
  version BIGINT NOT NULL,
  data    TEXT NOT NULL,        -- JSON: what the one leaves for the other
  ending  BIGINT NOT NULL,      -- 1: the shutdown hook has begun
  PRIMARY KEY (flow, version)
);
)sql",
    R"sql(
CREATE TABLE dead_letters (     -- where the broker is not our own
  number        SERIAL_KEY,
  flow          TEXT NOT NULL,
  version       BIGINT NOT NULL,
  step          TEXT NOT NULL,
  id            TEXT NOT NULL,
  execution     TEXT NOT NULL,
  code          TEXT NOT NULL,
  reason        TEXT NOT NULL,
  details       TEXT NOT NULL,   -- JSON, or empty
  attempts      BIGINT NOT NULL,
  failed_at     BIGINT NOT NULL, -- 0: unknown
  retries       BIGINT NOT NULL, -- how often it has come back from here before
  exchange      TEXT NOT NULL,   -- the message, as AMQP has it, from here on
  routing_key   TEXT NOT NULL,
  properties    BYTES NOT NULL,
  body          BYTES NOT NULL,
  claimed_until BIGINT NOT NULL  -- whoever puts it back has it until then
);
CREATE UNIQUE INDEX dead_letters_of_message ON dead_letters (id, flow, version, step, execution, retries);
CREATE INDEX dead_letters_of_flow ON dead_letters (flow, number);
CREATE INDEX dead_letters_of_execution ON dead_letters (execution);
CREATE TABLE dead_letter_counts (
  flow    TEXT PRIMARY KEY,
  waiting BIGINT NOT NULL,
  total   BIGINT NOT NULL
);
)sql",
    R"sql(
CREATE TABLE members (          -- platforms that share this store; times are the database's
  name       TEXT PRIMARY KEY,
  boot       TEXT NOT NULL,     -- of its last start
  address    TEXT NOT NULL,     -- where its API is
  started_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL
);
CREATE TABLE leases (           -- what one of them at a time holds
  name   TEXT PRIMARY KEY,
  member TEXT NOT NULL,
  boot   TEXT NOT NULL,
  epoch  BIGINT NOT NULL,       -- counts its holders
  until  BIGINT NOT NULL
);
CREATE TABLE changes (          -- what all of them have to look at again
  subject TEXT PRIMARY KEY,     -- flow/NAME | credential/NAME | startups
  number  BIGINT NOT NULL       -- of its last change
);
CREATE INDEX changes_by_number ON changes (number);
CREATE TABLE change_count (     -- one row
  id     BIGINT PRIMARY KEY,
  number BIGINT NOT NULL
);
ALTER TABLE replays ADD COLUMN member TEXT NOT NULL DEFAULT '';  -- who has the history that it reads
)sql",
    R"sql(
CREATE TABLE last_values (      -- of queues that keep one message, where RabbitMQ keeps the others
  queue       TEXT PRIMARY KEY,
  exchange    TEXT NOT NULL,
  routing_key TEXT NOT NULL,
  properties  BYTES NOT NULL,
  body        BYTES NOT NULL,
  pending     BYTES NOT NULL,   -- messages committed with it that may not be published yet; or empty
  revision    BIGINT NOT NULL
);
)sql",
};

}  // namespace

std::span<const std::string_view> migrations() {
  return all;
}

std::string spelled(std::string_view migration,
                    std::initializer_list<std::pair<std::string_view, std::string_view>> words) {
  std::string text(migration);
  for (const auto& [word, with] : words) {
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + with.size())) {
      text.replace(at, word.size(), with);
    }
  }
  return text;
}

}  // namespace millrace::store
