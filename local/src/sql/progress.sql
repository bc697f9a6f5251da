-- How far the payments of these students ($1) have come. $2 is when the run began, $3 the payments' names.
SELECT
  (SELECT count(*) FROM payments p WHERE p.student_id = ANY($1) AND p.status = 'succeeded') AS "paid!",
  (SELECT count(*) FROM student_course_purchases p WHERE p.student_id = ANY($1) AND p.is_active) AS "purchases!",
  (SELECT count(*) FROM trainer_allocations a
   WHERE a.student_id = ANY($1) AND a.status IN ('approved', 'active')) AS "allocated!",
  (SELECT count(*) FROM trainer_allocations a WHERE a.student_id = ANY($1) AND a.status = 'pending') AS "waiting!",
  (SELECT count(DISTINCT s.allocation_id) FROM tutoring_sessions s WHERE s.student_id = ANY($1)) AS "calendars!",
  (SELECT count(*) FROM tutoring_sessions s WHERE s.student_id = ANY($1)) AS "sessions!",
  (SELECT count(*) FROM outbox o WHERE o.payload ->> 'studentId' = ANY($1::uuid[]::text[])) AS "events!",
  (SELECT count(*) FROM outbox o
   WHERE o.published_at IS NULL AND o.payload ->> 'studentId' = ANY($1::uuid[]::text[])) AS "unpublished!",
  (SELECT count(*) FROM dead_letters d WHERE d.parked_at >= $2) AS "parked!",
  (SELECT count(*) FROM payment_cases c
   WHERE c.kind = 'surplus_payment'
     AND c.payment_id IN (SELECT p.id FROM payments p WHERE p.provider_payment_id = ANY($3))) AS "surplus!"
