-- Deletes at most $2 counts whose window of $1 seconds has been over for as long again. The table holds the clients of the last
-- minutes only.
DELETE FROM client_requests
WHERE ctid = ANY(ARRAY(SELECT ctid FROM client_requests
                       WHERE since < now() - make_interval(secs => 2 * $1::double precision)
                       LIMIT $2 FOR UPDATE SKIP LOCKED))
