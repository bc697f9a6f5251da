-- What all buyers of the address $1 hold in pending intents, besides these ($2): at most $3 of them are read.
SELECT count(*) AS "intents!", coalesce(sum(o.pieces), 0)::bigint AS "pieces!", min(o.expires_at) AS first_ends
FROM (SELECT i.expires_at,
             (SELECT sum(r.quantity) FROM inventory_reservations r
              WHERE r.payment_intent_id = i.payment_intent_id AND r.status = 'active') AS pieces
      FROM payment_intents i
      WHERE i.status = 'pending' AND i.metadata ->> 'client' = $1 AND i.payment_intent_id <> ALL($2)
      LIMIT $3) o
