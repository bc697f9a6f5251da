-- What is there of a student ($1: the id, and for an erasure the pseudonym too) in the course pipeline. A payment may be gone while its
-- purchase is there. There are indexes on the students of purchases that run and of those that do not.
SELECT ARRAY(SELECT y.id FROM payments y WHERE y.student_id = ANY($1)
             UNION
             SELECT p.payment_id FROM student_course_purchases p
             WHERE p.student_id = ANY($1) AND (p.is_active OR NOT p.is_active) AND p.payment_id IS NOT NULL)
         AS "payments!: Vec<Uuid>",
       ARRAY(SELECT y.provider_payment_id FROM payments y WHERE y.student_id = ANY($1) AND y.provider_payment_id IS NOT NULL)
         AS "provider_payments!: Vec<String>",
       ARRAY(SELECT p.id FROM student_course_purchases p
             WHERE p.student_id = ANY($1) AND (p.is_active OR NOT p.is_active)) AS "purchases!: Vec<Uuid>",
       ARRAY(SELECT a.id FROM trainer_allocations a WHERE a.student_id = ANY($1)) AS "allocations!: Vec<Uuid>"
