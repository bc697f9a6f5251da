-- Notes what the sessions of these allocations ($1) are planned by now ($2). Where the purchase's time ($3) or start date ($4) was changed after
-- the allocation's, the allocation takes it.
UPDATE trainer_allocations a
SET planned = n.terms
              || CASE WHEN n.slot IS NULL THEN '{}' ELSE jsonb_build_object('slot', n.slot) END
              || CASE WHEN n.starts_on IS NULL THEN '{}' ELSE jsonb_build_object('start', n.starts_on) END,
    metadata = CASE WHEN n.slot IS NULL AND n.starts_on IS NULL THEN a.metadata
                    ELSE coalesce(a.metadata, '{}')
                         || CASE WHEN n.slot IS NULL THEN '{}' ELSE jsonb_build_object('timeSlot', n.slot) END
                         || CASE WHEN n.starts_on IS NULL THEN '{}' ELSE jsonb_build_object('startDate', n.starts_on) END END,
    updated_at = CASE WHEN n.slot IS NULL AND n.starts_on IS NULL THEN a.updated_at ELSE now() END
FROM unnest($1::uuid[], $2::jsonb[], $3::text[], $4::text[]) AS n (id, terms, slot, starts_on)
WHERE a.id = n.id
