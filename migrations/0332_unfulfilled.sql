-- What is paid and was found unfulfilled: the short list that each reconcile looks at again, however old its rows are. A payment, a
-- purchase, an allocation or an intent stays on it until it is fulfilled or a case answers for it (docs/decisions/0031).
--
-- Locks: none; the table is new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS unfulfilled (
  kind     text NOT NULL CHECK (kind IN ('payment', 'purchase', 'allocation', 'intent')),
  id       text NOT NULL,
  since    timestamptz NOT NULL,
  found_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (kind, id)
);
