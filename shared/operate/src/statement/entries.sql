-- Entries of this id ($1): the provider's of the entry, of the payment that it gives back, or of its settlement; or ours.
SELECT provider, kind, entry_id, pays, amount_cents AS amount_minor, currency, fee_cents AS fee_minor, tax_cents AS tax_minor,
       net_cents AS net_minor, returned_cents AS returned_minor, state, outcome, subject, acted, settlement_id, occurred_at, first_seen_at, seen_at
FROM statement_entries
WHERE provider = ANY ('{razorpay,stripe,esewa,khalti}') AND kind = ANY ('{payment,refund,adjustment,settlement}') AND entry_id = $1
   OR settlement_id = $1
   OR (kind = 'refund' AND pays = $1)
   OR subject = $1
ORDER BY occurred_at, kind, entry_id
LIMIT 200
