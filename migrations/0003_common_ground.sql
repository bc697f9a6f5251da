-- What both pipelines stand on: outbox, dead letters, payment cases, audit log.
--
-- Locks: none; all tables are new.

SET LOCAL lock_timeout = '3s';

-- Written in the business transaction, published after its commit.
CREATE TABLE IF NOT EXISTS outbox (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id       text NOT NULL CONSTRAINT unique_outbox_event UNIQUE,
  event_type     text NOT NULL,
  topic          text NOT NULL,
  payload        jsonb NOT NULL,
  correlation_id uuid NOT NULL,
  attempts       integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  last_error     text,
  created_at     timestamptz NOT NULL DEFAULT now(),
  published_at   timestamptz,
  -- The lease of whoever publishes the row: its writer first, a sweep later. The sending itself is outside any transaction.
  claimed_until  timestamptz
);
CREATE INDEX IF NOT EXISTS idx_outbox_unpublished ON outbox (id) WHERE published_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

-- Messages that could not be processed. What SQS itself moved has no document, and so no reason of ours.
CREATE TABLE IF NOT EXISTS dead_letters (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  source         text NOT NULL,
  message_id     text NOT NULL,
  function_name  text,
  event_type     text,
  event_id       text,
  correlation_id uuid,
  failure_reason text NOT NULL,
  error_code     text,
  permanent      boolean NOT NULL DEFAULT false,
  attempts       integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  raw            text,
  document       jsonb,
  status         text NOT NULL DEFAULT 'parked' CHECK (status IN ('parked', 'replayed', 'discarded')),
  replay_count   integer NOT NULL DEFAULT 0 CHECK (replay_count >= 0),
  parked_at      timestamptz NOT NULL DEFAULT now(),
  replayed_at    timestamptz,
  CONSTRAINT unique_dead_letter_message UNIQUE (source, message_id)
);
CREATE INDEX IF NOT EXISTS idx_dead_letters_parked ON dead_letters (parked_at) WHERE status = 'parked';
CREATE INDEX IF NOT EXISTS idx_dead_letters_correlation ON dead_letters (correlation_id);

-- A payment that a person must look at. `subject` is what it is about; one case a kind and subject, however often it is seen.
CREATE TABLE IF NOT EXISTS payment_cases (
  id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  kind              text NOT NULL CHECK (kind IN ('surplus_payment', 'refund_due', 'amount_mismatch', 'unfulfillable')),
  status            text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'resolved')),
  subject           text NOT NULL,
  payment_id        uuid,
  payment_intent_id text,
  amount_cents      bigint,
  currency          text,
  details           jsonb NOT NULL DEFAULT '{}',
  opened_at         timestamptz NOT NULL DEFAULT now(),
  resolved_at       timestamptz,
  resolved_by       text,
  note              text,
  CONSTRAINT unique_payment_case UNIQUE (kind, subject)
);
CREATE INDEX IF NOT EXISTS idx_payment_cases_open ON payment_cases (opened_at) WHERE status = 'open';
CREATE INDEX IF NOT EXISTS idx_payment_cases_payment ON payment_cases (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_payment_cases_intent ON payment_cases (payment_intent_id) WHERE payment_intent_id IS NOT NULL;

-- Who did what from the console or the command line, and why.
CREATE TABLE IF NOT EXISTS audit_log (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      timestamptz NOT NULL DEFAULT now(),
  actor   text NOT NULL,
  action  text NOT NULL,
  subject text NOT NULL,
  reason  text,
  details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS idx_audit_log_at ON audit_log (at);
CREATE INDEX IF NOT EXISTS idx_audit_log_subject ON audit_log (subject);
