-- Succeeded payments of each request's student for its course that no case is about and that extended nothing: who may own a legacy purchase.
SELECT r.position AS "position!", p.id AS "id!", p.created_at AS "created_at!",
       (EXISTS (SELECT FROM processed_events e WHERE e.event_id = 'payment:' || p.id || ':PURCHASE_CONFIRMED')
        OR EXISTS (SELECT FROM processed_events e
                   WHERE e.correlation_id = p.id AND e.event_type = 'PURCHASE_CONFIRMED')) AS "marked!"
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS r (student_id, course_id, position)
JOIN payments p ON p.student_id = r.student_id AND p.status = 'succeeded'
               AND lower(makegood_object(p.metadata) ->> 'courseId') = r.course_id::text
WHERE NOT EXISTS (SELECT FROM purchase_extensions x WHERE x.payment_id = p.id)
  AND NOT EXISTS (SELECT FROM payment_cases c WHERE c.kind = 'surplus_payment' AND c.subject = p.id::text)
