-- Console logins that ended by logout before their token did. A row is of no use after `until`; the next logout removes it.
--
-- Locks: none; the table is new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS console_logouts (
  -- The SHA-256 of the token, base64url: never the token.
  session text PRIMARY KEY,
  until   timestamptz NOT NULL
);
