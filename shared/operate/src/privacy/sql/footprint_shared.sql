-- What tells of a person in the tables that both pipelines have: by correlation ($1), by what names the person or something of theirs
-- ($2, also inside a dead letter), by payment ($3), intent ($4), the provider's id ($5), and the person's own id ($6). Dead letters and
-- the outbox's last days are read as a whole.
WITH cases AS MATERIALIZED (
  SELECT k.id FROM payment_cases k
  WHERE k.payment_id = ANY($3) OR k.payment_intent_id = ANY($4) OR k.subject = ANY($2::text[] || $5::text[])
     OR k.details ->> 'studentId' = $6 OR k.details ->> 'userId' = $6
), messages AS MATERIALIZED (
  SELECT d.id FROM dead_letters d
  WHERE d.correlation_id = ANY($1)
     OR EXISTS (SELECT FROM unnest($2::text[]) n (name)
                WHERE strpos(d.raw, n.name) > 0 OR strpos(d.document::text, n.name) > 0 OR strpos(d.failure_reason, n.name) > 0)
), edits AS MATERIALIZED (
  SELECT e.id FROM proposed_edits e
  WHERE e.subject IN (SELECT 'dead_letter:' || l.id FROM messages l)
     OR EXISTS (SELECT FROM unnest($2::text[]) n (name) WHERE strpos(e.body, n.name) > 0 OR strpos(e.changes::text, n.name) > 0)
), events AS MATERIALIZED (
  SELECT o.id, o.event_id FROM outbox o
  WHERE o.correlation_id = ANY($1) OR o.payload ->> 'studentId' = $6 OR o.payload ->> 'userId' = $6
), marks AS MATERIALIZED (
  SELECT e.event_id FROM processed_events e WHERE e.correlation_id = ANY($1)
), jobs AS MATERIALIZED (
  SELECT j.id FROM job_queue j WHERE j.payload ->> 'payment_intent_id' = ANY($4)
), returned AS MATERIALIZED (
  SELECT r.id, r.provider, r.provider_refund_id FROM refunds r
  WHERE r.payment_id = ANY($3) OR r.payment_intent_id = ANY($4) OR r.provider_payment_id = ANY($5)
), asked AS MATERIALIZED (
  SELECT d.id FROM disputes d
  WHERE d.payment_id = ANY($3) OR d.payment_intent_id = ANY($4) OR d.provider_payment_id = ANY($5)
), subjects AS MATERIALIZED (
  SELECT 'payment:' || y.id AS subject FROM unnest($3::uuid[]) y (id)
  UNION ALL SELECT 'case:' || k.id FROM cases k
  UNION ALL SELECT 'dead_letter:' || l.id FROM messages l
  UNION ALL SELECT 'job:' || j.id FROM jobs j
  UNION ALL SELECT 'event:' || e.event_id FROM (SELECT event_id FROM events UNION SELECT event_id FROM marks) e
  UNION ALL SELECT 'refund:' || r.provider || ':' || r.provider_refund_id FROM returned r
)
SELECT ARRAY(SELECT id FROM cases) AS "cases!: Vec<Uuid>", ARRAY(SELECT id FROM messages) AS "dead_letters!: Vec<Uuid>",
       ARRAY(SELECT id FROM edits) AS "edits!: Vec<Uuid>",
       ARRAY(SELECT id FROM events) AS "outbox!: Vec<i64>", ARRAY(SELECT event_id FROM marks) AS "marks!: Vec<String>",
       ARRAY(SELECT id FROM jobs) AS "jobs!: Vec<Uuid>", ARRAY(SELECT id FROM returned) AS "refunds!: Vec<Uuid>",
       ARRAY(SELECT id FROM asked) AS "disputes!: Vec<Uuid>",
       ARRAY(SELECT l.id FROM audit_log l WHERE l.subject IN (SELECT subject FROM subjects)) AS "audits!: Vec<i64>"
