-- What is open of a person in the tables that both pipelines have: cases ($1), dead letters ($2), events ($3), jobs ($4), refunds ($5),
-- disputes ($6).
SELECT 'case-open' AS "code!", k.id::text AS "id!" FROM payment_cases k WHERE k.id = ANY($1) AND k.status = 'open'
UNION ALL
SELECT CASE WHEN d.claimed_until > now() THEN 'dead-letter-replayed' ELSE 'dead-letter-parked' END, d.id::text
FROM dead_letters d WHERE d.id = ANY($2) AND d.status = 'parked'
UNION ALL
SELECT 'event-unpublished', o.event_id FROM outbox o WHERE o.id = ANY($3) AND o.published_at IS NULL
UNION ALL
SELECT CASE j.status WHEN 'failed' THEN 'job-failed' ELSE 'job-open' END, j.id::text
FROM job_queue j WHERE j.id = ANY($4) AND j.status IN ('pending', 'processing', 'failed')
UNION ALL
SELECT 'refund-under-way', r.provider_refund_id FROM refunds r WHERE r.id = ANY($5) AND r.status = 'created'
UNION ALL
SELECT 'dispute-open', d.provider_dispute_id
FROM disputes d WHERE d.id = ANY($6) AND d.status IN ('open', 'under_review', 'action_required')
