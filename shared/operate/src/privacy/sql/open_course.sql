-- What is open of a student ($1) in the course pipeline, on the school's day $2; $3 are the programs that resolve cases.
SELECT 'payment-unfulfilled' AS "code!", y.id::text AS "id!"
FROM payments y
WHERE y.student_id = ANY($1) AND y.status = 'succeeded'
  AND NOT EXISTS (SELECT FROM student_course_purchases p
                  WHERE p.payment_id = y.id
                     OR p.payment_id IS NULL AND p.student_id = y.student_id AND p.course_id::text = lower(makegood_object(y.metadata) ->> 'courseId'))
  AND NOT EXISTS (SELECT FROM purchase_extensions x WHERE x.payment_id = y.id)
  AND NOT EXISTS (SELECT FROM payment_cases k
                  WHERE k.payment_id = y.id AND k.kind <> ALL ('{unknown_payment,dispute,given_back}')
                    AND (k.status = 'open' OR coalesce(k.resolved_by, '') <> ALL ($3::text[])))
UNION ALL
SELECT 'payment-begun', y.id::text FROM payments y WHERE y.student_id = ANY($1) AND y.status IN ('initiated', 'processing')
UNION ALL
SELECT 'purchase-running', p.id::text FROM student_course_purchases p WHERE p.student_id = ANY($1) AND p.is_active
UNION ALL
SELECT 'allocation-running', a.id::text
FROM trainer_allocations a
WHERE a.student_id = ANY($1)
  AND (a.status IN ('pending', 'approved', 'active')
       OR EXISTS (SELECT FROM tutoring_sessions s WHERE s.allocation_id = a.id AND s.status = 'scheduled' AND s.scheduled_date > $2))
  AND NOT EXISTS (SELECT FROM student_course_purchases p
                  WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active)
