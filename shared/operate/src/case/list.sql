-- One walk along (status, opened_at, id) for each wanted status; each gives at most a page.
SELECT c.id AS "id!", c.kind AS "kind!", c.status AS "status!: CaseStatus", c.subject AS "subject!", c.payment_id,
       c.payment_intent_id, c.amount_cents AS amount_minor, c.currency, c.details AS "details!", c.opened_at AS "opened_at!",
       c.resolved_at, c.resolved_by, c.note
FROM unnest($1::text[]) AS wanted (status)
CROSS JOIN LATERAL (
  SELECT * FROM payment_cases p
  WHERE p.status = wanted.status AND (p.opened_at, p.id) < ($2, $3) AND ($4::text IS NULL OR p.kind = $4)
  ORDER BY p.opened_at DESC, p.id DESC LIMIT $5) c
ORDER BY c.opened_at DESC, c.id DESC LIMIT $5
