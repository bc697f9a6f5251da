-- What a course costs, by tier and currency, and from when until when: what receive-payment compares a provider's payment with where no
-- begun payment says what was bought (docs/decisions/0040). Several prices of one course and tier may be valid at once.
--
-- Locks: none; the table is new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS course_prices (
  course_id    uuid NOT NULL,
  tier         integer NOT NULL CHECK (tier BETWEEN 1 AND 500),
  currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  valid_from   timestamptz NOT NULL DEFAULT now(),
  valid_to     timestamptz CHECK (valid_to > valid_from),
  PRIMARY KEY (course_id, tier, currency, amount_minor, valid_from)
);
