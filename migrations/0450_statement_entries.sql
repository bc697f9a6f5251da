-- The provider's own statement, compared with what is here (docs/decisions/0090): a row for each payment, refund, adjustment and settlement
-- whose money moved or may still move. pays is the provider's payment that a refund gives back. net_cents is what the entry adds to its
-- settlement, fees and taxes taken off. subject is our payment or intent. acted is what the sweep did about a difference.
--
-- Locks: none; the table is new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS statement_entries (
  provider       text NOT NULL,
  kind           text NOT NULL CHECK (kind IN ('payment', 'refund', 'adjustment', 'settlement')),
  entry_id       text NOT NULL,
  pays           text NOT NULL,
  amount_cents   bigint NOT NULL CHECK (amount_cents >= 0),
  currency       text NOT NULL,
  fee_cents      bigint,
  tax_cents      bigint,
  returned_cents bigint NOT NULL DEFAULT 0,
  state          text NOT NULL CHECK (state IN ('waiting', 'moved', 'failed', 'missing')),
  occurred_at    timestamptz NOT NULL,
  settlement_id  text,
  net_cents      bigint,
  outcome        text NOT NULL CHECK (outcome IN ('matched', 'ours_only', 'theirs_only', 'amount_differs', 'refunded_there_only',
                                                  'refunded_here_only', 'in_dispute', 'too_young', 'not_ours', 'failed')),
  subject        text,
  acted          text,
  first_seen_at  timestamptz NOT NULL,
  seen_at        timestamptz NOT NULL,
  PRIMARY KEY (provider, kind, entry_id)
);
-- What differs, or is asked for again: few rows, whatever the age of the table.
CREATE INDEX IF NOT EXISTS idx_statement_entries_open ON statement_entries (outcome, occurred_at)
  WHERE outcome IN ('ours_only', 'theirs_only', 'amount_differs', 'refunded_there_only', 'refunded_here_only', 'too_young');
CREATE INDEX IF NOT EXISTS idx_statement_entries_settlement ON statement_entries (settlement_id) WHERE settlement_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_statement_entries_day ON statement_entries (occurred_at, provider);
