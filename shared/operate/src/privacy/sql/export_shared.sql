-- What tells of a person in the tables that both pipelines have, by table: rows by their ids, entries of the provider's statement by the
-- provider's ids ($9).
SELECT 'payment_cases' AS "table!", to_jsonb(t) AS "row!" FROM payment_cases t WHERE t.id = ANY($1)
UNION ALL SELECT 'dead_letters', to_jsonb(t) FROM dead_letters t WHERE t.id = ANY($2)
UNION ALL SELECT 'proposed_edits', to_jsonb(t) FROM proposed_edits t WHERE t.id = ANY($10)
UNION ALL SELECT 'outbox', to_jsonb(t) FROM outbox t WHERE t.id = ANY($3)
UNION ALL SELECT 'processed_events', to_jsonb(t) FROM processed_events t WHERE t.event_id = ANY($4)
UNION ALL SELECT 'job_queue', to_jsonb(t) FROM job_queue t WHERE t.id = ANY($5)
UNION ALL SELECT 'refunds', to_jsonb(t) FROM refunds t WHERE t.id = ANY($6)
UNION ALL SELECT 'disputes', to_jsonb(t) FROM disputes t WHERE t.id = ANY($7)
UNION ALL SELECT 'audit_log', to_jsonb(t) FROM audit_log t WHERE t.id = ANY($8)
UNION ALL SELECT 'statement_entries', to_jsonb(t) FROM statement_entries t
          WHERE t.pays = ANY($9)
             OR t.provider = ANY ('{razorpay,stripe,esewa,khalti}') AND t.kind = ANY ('{payment,refund,adjustment,settlement}') AND t.entry_id = ANY($9)
