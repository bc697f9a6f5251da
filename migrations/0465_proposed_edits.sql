-- What an operator wants to send and another operator must confirm first (docs/decisions/0092): the edited body of a dead letter, or an
-- event from a file. subject is dead_letter:<id> or event:<event id>. body is what is to be sent; it is removed once it is decided.
-- replaces tells the state of the dead letter that the edit was made of. changes lists what differs, field by field. caller is the AWS
-- caller or the login's subject, which nobody types.
--
-- Locks: none; the table is new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS proposed_edits (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  subject     text NOT NULL,
  body        text,
  replaces    text,
  changes     jsonb NOT NULL,
  forced      boolean NOT NULL DEFAULT false,
  status      text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'confirmed', 'withdrawn')),
  proposed_by text NOT NULL,
  caller      text NOT NULL,
  reason      text NOT NULL,
  proposed_at timestamptz NOT NULL DEFAULT now(),
  decided_by  text,
  decided_at  timestamptz,
  CHECK ((status = 'pending') = (body IS NOT NULL))
);
CREATE UNIQUE INDEX IF NOT EXISTS unique_pending_edit ON proposed_edits (subject) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS idx_proposed_edits_newest ON proposed_edits (status, proposed_at DESC, id DESC);
