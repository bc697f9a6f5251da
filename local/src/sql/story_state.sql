-- What has become of this student ($1): the purchases, the sessions ahead, and the open cases about the payments.
SELECT
  (SELECT count(*) FROM student_course_purchases p WHERE p.student_id = $1 AND p.is_active) AS "running!",
  (SELECT count(*) FROM student_course_purchases p
   WHERE p.student_id = $1 AND NOT p.is_active AND p.end_reason = 'refunded') AS "refunded!",
  (SELECT count(*) FROM student_course_purchases p
   WHERE p.student_id = $1 AND NOT p.is_active AND p.end_reason = 'expired') AS "expired!",
  (SELECT count(*) FROM tutoring_sessions s
   JOIN trainer_allocations a ON a.id = s.allocation_id AND a.status IN ('approved', 'active')
   WHERE s.student_id = $1 AND s.status = 'scheduled') AS "sessions!",
  (SELECT count(*) FROM payment_cases c JOIN payments y ON y.id = c.payment_id
   WHERE y.student_id = $1 AND c.kind = 'unpriced_payment' AND c.status = 'open') AS "unpriced!"
