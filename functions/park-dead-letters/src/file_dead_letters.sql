-- One statement a batch. A dead letter that was sent back and failed again is the row that it was: its mark names it, and its body
-- is what was sent. A copy of a generation that is known, or of an older one, changes nothing, and neither does one of a
-- discarded dead letter. Rows are locked in the order of their ids, as operators' actions do, so that the two can't deadlock.
--
-- Everything else is a new row, a marked message whose body is another one included: nothing is ever written over. A message
-- that is filed already, also earlier in the same batch, changes nothing: its row may have been replayed or discarded since.
-- Ordered by the key, so that two batches with the same messages can't deadlock.
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[],
                       $9::boolean[], $10::integer[], $11::text[], $12::jsonb[], $13::timestamptz[], $14::uuid[], $15::integer[])
    AS l (source, message_id, function_name, event_type, event_id, correlation_id, failure_reason, error_code, permanent,
          attempts, raw, document, parked_at, dead_letter_id, generation)
), again AS (
  SELECT DISTINCT ON (l.dead_letter_id) l.* FROM given l
  JOIN dead_letters d ON d.id = l.dead_letter_id AND d.raw IS NOT DISTINCT FROM l.raw
  ORDER BY l.dead_letter_id, l.generation DESC
), locked AS (
  SELECT d.id FROM dead_letters d JOIN again a ON a.dead_letter_id = d.id
  WHERE d.status <> 'discarded'
    AND (d.replay_count < a.generation OR (d.replay_count = a.generation AND d.status = 'replayed'))
  ORDER BY d.id FOR UPDATE OF d
), parked_again AS (
  UPDATE dead_letters d
  SET status = 'parked', claimed_until = NULL, replay_count = a.generation,
      replayed_at = CASE WHEN d.replay_count < a.generation THEN now() ELSE d.replayed_at END,
      function_name = a.function_name, failure_reason = a.failure_reason, error_code = a.error_code, permanent = a.permanent,
      attempts = a.attempts, parked_at = a.parked_at,
      document = coalesce(a.document, '{}') || jsonb_build_object('previousFailures',
        coalesce(d.document -> 'previousFailures', '[]') || jsonb_build_array(jsonb_build_object('generation', a.generation - 1,
          'parkedAt', d.parked_at, 'errorCode', d.error_code, 'failureReason', d.failure_reason, 'attempts', d.attempts)))
  FROM again a JOIN locked ON locked.id = a.dead_letter_id
  WHERE d.id = a.dead_letter_id
  RETURNING d.error_code
), filed AS (
  INSERT INTO dead_letters (source, message_id, function_name, event_type, event_id, correlation_id, failure_reason,
                            error_code, permanent, attempts, raw, document, parked_at, replay_count)
  SELECT l.source, l.message_id, l.function_name, l.event_type, l.event_id, l.correlation_id, l.failure_reason, l.error_code,
         l.permanent, l.attempts, l.raw, l.document, l.parked_at, coalesce(l.generation, 0)
  FROM given l
  WHERE NOT EXISTS (SELECT FROM dead_letters d WHERE d.id = l.dead_letter_id AND d.raw IS NOT DISTINCT FROM l.raw)
  ORDER BY l.source, l.message_id
  ON CONFLICT (source, message_id) DO NOTHING
  RETURNING error_code
)
SELECT error_code FROM parked_again UNION ALL SELECT error_code FROM filed
