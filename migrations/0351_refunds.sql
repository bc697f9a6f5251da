-- Refunds and disputes as the provider tells of them (docs/decisions/0051). payment_id and payment_intent_id are null while the payment is
-- unknown here: a refund may arrive before its capture, and provider_payment_id is what the capture finds it by. told_at is the provider's
-- time of what the row says; payment_refunded_minor is what the provider said it had given back of the whole payment.
--
-- Locks: none; the tables are new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS refunds (
  id                     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider               text NOT NULL,
  provider_refund_id     text NOT NULL,
  provider_payment_id    text,
  payment_id             uuid,
  payment_intent_id      text,
  amount_minor           bigint NOT NULL CHECK (amount_minor >= 0),
  currency               text NOT NULL,
  status                 text NOT NULL CHECK (status IN ('created', 'failed', 'processed')),
  reason                 text,
  payment_refunded_minor bigint,
  told_at                timestamptz NOT NULL,
  created_at             timestamptz NOT NULL DEFAULT now(),
  updated_at             timestamptz NOT NULL DEFAULT now(),
  UNIQUE (provider, provider_refund_id)
);
CREATE INDEX IF NOT EXISTS idx_refunds_provider_payment ON refunds (provider_payment_id);
CREATE INDEX IF NOT EXISTS idx_refunds_payment ON refunds (payment_id);
CREATE INDEX IF NOT EXISTS idx_refunds_intent ON refunds (payment_intent_id);
CREATE INDEX IF NOT EXISTS idx_refunds_newest ON refunds (created_at, id);

CREATE TABLE IF NOT EXISTS disputes (
  id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider            text NOT NULL,
  provider_dispute_id text NOT NULL,
  provider_payment_id text,
  payment_id          uuid,
  payment_intent_id   text,
  amount_minor        bigint NOT NULL CHECK (amount_minor >= 0),
  currency            text NOT NULL,
  status              text NOT NULL CHECK (status IN ('open', 'under_review', 'action_required', 'closed', 'won', 'lost')),
  phase               text,
  reason              text,
  respond_by          timestamptz,
  told_at             timestamptz NOT NULL,
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now(),
  UNIQUE (provider, provider_dispute_id)
);
CREATE INDEX IF NOT EXISTS idx_disputes_provider_payment ON disputes (provider_payment_id);
CREATE INDEX IF NOT EXISTS idx_disputes_payment ON disputes (payment_id);
CREATE INDEX IF NOT EXISTS idx_disputes_newest ON disputes (created_at, id);
