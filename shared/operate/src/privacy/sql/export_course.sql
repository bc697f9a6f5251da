-- All rows of a student's own, by table: payments and what the allocations ($3) and payments ($2) of the student $1 have. There are indexes on the
-- students of purchases that run and of those that do not.
SELECT 'payments' AS "table!", to_jsonb(t) AS "row!" FROM payments t WHERE t.student_id = $1
UNION ALL SELECT 'student_course_purchases', to_jsonb(t) FROM student_course_purchases t
          WHERE t.student_id = $1 AND (t.is_active OR NOT t.is_active)
UNION ALL SELECT 'purchase_extensions', to_jsonb(t) FROM purchase_extensions t WHERE t.payment_id = ANY($2)
UNION ALL SELECT 'purchase_reductions', to_jsonb(t) FROM purchase_reductions t WHERE t.payment_id = ANY($2)
UNION ALL SELECT 'trainer_allocations', to_jsonb(t) FROM trainer_allocations t WHERE t.student_id = $1
UNION ALL SELECT 'tutoring_sessions', to_jsonb(t) FROM tutoring_sessions t WHERE t.allocation_id = ANY($3) AND t.student_id = $1
