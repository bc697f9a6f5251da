-- The payments that may be this one: of these ids ($1), of these ids of the provider ($2: the payment's and its order's), or begun for this
-- order ($3). Held: a case says that nothing confirms the price, and no program ($4) resolved it. Three index reads.
SELECT y.id, y.student_id, y.status, y.amount_cents, y.currency, y.provider, y.provider_payment_id, y.metadata,
       makegood_object(y.metadata) ->> 'courseId' AS course_id, makegood_object(y.metadata) ->> 'orderId' AS order_id,
       EXISTS (SELECT FROM payment_cases k
               WHERE k.payment_id = y.id AND k.kind = 'unpriced_payment'
                 AND (k.status = 'open' OR coalesce(k.resolved_by, '') <> ALL ($4::text[]))) AS "is_held!"
FROM payments y
WHERE y.id = ANY ($1) OR y.provider_payment_id = ANY ($2::text[]) OR y.metadata ->> 'orderId' = $3
ORDER BY y.created_at, y.id
FOR UPDATE OF y
