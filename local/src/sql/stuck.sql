-- The payments of this run ($1 students) that are not through, and where each is.
SELECT p.provider_payment_id AS "reference!", p.id AS payment_id,
       CASE WHEN b.id IS NULL THEN 'purchase'
            WHEN a.id IS NULL THEN 'trainer'
            WHEN a.status = 'pending' THEN 'free trainer'
            ELSE 'sessions' END AS "waits_for!"
FROM payments p
LEFT JOIN student_course_purchases b
       ON b.student_id = p.student_id AND b.is_active AND b.payment_id = p.id
LEFT JOIN LATERAL (SELECT a.id, a.status FROM trainer_allocations a
                   WHERE a.student_id = b.student_id AND a.course_id = b.course_id
                     AND a.status IN ('approved', 'active', 'pending')
                   ORDER BY a.status = 'pending' LIMIT 1) a ON true
WHERE p.student_id = ANY($1)
  AND NOT EXISTS (SELECT FROM payment_cases c WHERE c.payment_id = p.id)
  AND (a.status IS NULL OR a.status = 'pending'
       OR NOT EXISTS (SELECT FROM tutoring_sessions s WHERE s.allocation_id = a.id))
ORDER BY p.created_at
LIMIT 10
