-- Notes in which settlement these entries of the provider $1 are, and what they add to it. An entry that no list has had yet is kept with
-- what the settlement says of it: a payment is then compared by the next reading, since it waits as too young.
INSERT INTO statement_entries AS e (provider, kind, entry_id, pays, amount_cents, currency, fee_cents, tax_cents, state, occurred_at,
                                    settlement_id, net_cents, outcome, first_seen_at, seen_at)
SELECT $1, n.kind, n.entry_id, n.pays, n.amount, n.currency, n.fee, n.tax, 'moved', n.at, n.settlement, n.net,
       CASE WHEN n.kind IN ('payment', 'refund') THEN 'too_young' ELSE 'matched' END, $12, $12
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[], $9::timestamptz[], $10::text[],
            $11::bigint[]) AS n (kind, entry_id, pays, amount, currency, fee, tax, at, settlement, net)
ORDER BY n.kind, n.entry_id
ON CONFLICT (provider, kind, entry_id) DO UPDATE
SET fee_cents = coalesce(excluded.fee_cents, e.fee_cents), tax_cents = coalesce(excluded.tax_cents, e.tax_cents),
    settlement_id = excluded.settlement_id, net_cents = excluded.net_cents
WHERE e.settlement_id IS DISTINCT FROM excluded.settlement_id OR e.net_cents IS DISTINCT FROM excluded.net_cents
