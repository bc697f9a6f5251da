-- Moves these rows of the outbox ($1), refused for what is in them by these queues ($2, side by side), to the dead letters, once they were tried
-- $3 times: one dead letter a queue, permanent, with the payload. A row that was published meanwhile stays. One that was parked before, and
-- was written again, is parked again.
WITH refused AS (
  SELECT * FROM unnest($1::bigint[], $2::text[]) AS r (id, source)
), moved AS (
  DELETE FROM outbox o
  WHERE o.id IN (SELECT id FROM refused) AND o.published_at IS NULL AND o.attempts >= $3
  RETURNING o.id, o.event_id, o.event_type, o.correlation_id, o.last_error, o.attempts, o.payload
)
INSERT INTO dead_letters AS d (source, message_id, function_name, event_type, event_id, correlation_id, failure_reason, error_code, permanent,
                               attempts, raw)
SELECT r.source, 'outbox:' || m.event_id, 'outbox', m.event_type, m.event_id, m.correlation_id,
       coalesce(m.last_error, 'the queue refused it'), 'not_sendable', true, m.attempts, m.payload::text
FROM moved m JOIN refused r USING (id)
ORDER BY r.source, m.event_id
ON CONFLICT (source, message_id) DO UPDATE
SET status = 'parked', parked_at = now(), replayed_at = NULL, failure_reason = excluded.failure_reason, attempts = excluded.attempts,
    raw = excluded.raw
