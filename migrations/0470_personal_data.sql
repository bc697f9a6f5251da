-- Who was erased (docs/decisions/0087), so that a message that comes late makes nothing for that person. `person` is a hash of the id,
-- never the id. done_at is null while an erasure is under way. And since when a dead letter is discarded: its body is removed some days
-- after that.
--
-- Locks: ACCESS EXCLUSIVE on dead_letters for one change of the catalogue; a nullable column rewrites no row. The table is new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS erased_people (
  pipeline text NOT NULL CHECK (pipeline IN ('course', 'shop')),
  person   uuid NOT NULL,
  began_at timestamptz NOT NULL DEFAULT now(),
  done_at  timestamptz,
  PRIMARY KEY (pipeline, person)
);

ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS discarded_at timestamptz;
