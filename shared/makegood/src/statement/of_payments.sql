-- What is here of these payments of the provider $1 ($2: its ids), for each that is known. Where a legacy table has an id twice, the row that
-- was settled counts. A part of an order is its own amount, and the payment that it counts for. Costs what it is asked about.
SELECT a.entry_id AS "entry_id!", y.id::text AS "subject!", y.amount_cents AS "amount_minor!", y.currency AS "currency!", y.status AS "status!",
       coalesce((SELECT sum(r.amount_minor) FROM refunds r
                 WHERE r.provider_payment_id = a.entry_id AND r.status = 'processed'), 0)::bigint AS "returned_minor!",
       EXISTS (SELECT FROM disputes d WHERE d.provider_payment_id = a.entry_id
               AND d.status IN ('open', 'under_review', 'action_required')) AS "is_disputed!"
FROM unnest($2::text[]) AS a (entry_id)
LEFT JOIN payment_parts t ON t.provider_payment_id = a.entry_id
CROSS JOIN LATERAL (
  SELECT p.id, coalesce(t.amount_minor, p.amount_cents) AS amount_cents, p.currency, p.status FROM payments p
  WHERE (p.provider_payment_id = a.entry_id OR p.id = t.payment_id) AND coalesce(p.provider, $1) = $1
  ORDER BY p.status IN ('succeeded', 'refunded') DESC, p.created_at, p.id
  LIMIT 1) y
