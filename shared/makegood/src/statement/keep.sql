-- Keeps these entries of the provider $1 as they are now ($15). What a settlement said of an entry stays. An attempt to pay that failed is no
-- money: it is kept only where the entry was here before.
INSERT INTO statement_entries AS e (provider, kind, entry_id, pays, amount_cents, currency, fee_cents, tax_cents, returned_cents, state,
                                    occurred_at, outcome, subject, acted, first_seen_at, seen_at)
SELECT $1, n.kind, n.entry_id, n.pays, n.amount, n.currency, n.fee, n.tax, n.returned, n.state, n.at, n.outcome, n.subject, n.acted, $15, $15
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[],
            $11::timestamptz[], $12::text[], $13::text[], $14::text[])
     AS n (kind, entry_id, pays, amount, currency, fee, tax, returned, state, at, outcome, subject, acted)
WHERE n.outcome <> 'failed'
   OR EXISTS (SELECT FROM statement_entries x WHERE x.provider = $1 AND x.kind = n.kind AND x.entry_id = n.entry_id)
ORDER BY n.kind, n.entry_id
ON CONFLICT (provider, kind, entry_id) DO UPDATE
SET pays = excluded.pays, amount_cents = excluded.amount_cents, currency = excluded.currency,
    fee_cents = coalesce(excluded.fee_cents, e.fee_cents), tax_cents = coalesce(excluded.tax_cents, e.tax_cents),
    returned_cents = excluded.returned_cents, state = excluded.state, occurred_at = excluded.occurred_at,
    outcome = excluded.outcome, subject = coalesce(excluded.subject, e.subject), acted = coalesce(excluded.acted, e.acted),
    seen_at = excluded.seen_at
