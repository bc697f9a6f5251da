-- Takes the question, unless somebody asked within seconds or is asking now. Of several at once one gets the row; the others
-- look at the condition again once it has committed. The number of the question is what its answer is noted under; when the gateway last said
-- that nothing was paid stays.
UPDATE payment_intents i
SET metadata = coalesce(i.metadata, '{}') || jsonb_build_object('gateway', jsonb_build_object(
      'asks', coalesce((i.metadata #>> '{gateway,asks}')::integer, 0) + 1, 'asked_at', now())
      || jsonb_strip_nulls(jsonb_build_object('unpaid_at', i.metadata #> '{gateway,unpaid_at}')))
WHERE i.payment_intent_id = $1
  AND ((i.metadata #>> '{gateway,asked_at}') IS NULL
       OR (i.metadata #>> '{gateway,answer}') IS NULL
          AND (i.metadata #>> '{gateway,asked_at}')::timestamptz <= now() - make_interval(secs => $3)
       OR (i.metadata #>> '{gateway,answer}') IS NOT NULL
          AND (i.metadata #>> '{gateway,answered_at}')::timestamptz <= now() - make_interval(secs => $2))
RETURNING (i.metadata #>> '{gateway,asks}')::integer AS "asks!"
