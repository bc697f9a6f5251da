-- How many rows of this run ($1 its students, $2 its payments' names) break each promise; zero is kept.
WITH paid AS (
  SELECT p.id FROM payments p
  WHERE p.student_id = ANY($1) AND p.status = 'succeeded' AND p.provider_payment_id = ANY($2)
), purchases AS (
  SELECT p.* FROM student_course_purchases p WHERE p.student_id = ANY($1) AND p.is_active
), allocations AS (
  SELECT a.* FROM trainer_allocations a WHERE a.student_id = ANY($1)
), granted AS (
  SELECT a.* FROM allocations a WHERE a.status IN ('approved', 'active')
), published AS (
  SELECT o.event_type, o.published_at, o.created_at, o.payload FROM outbox o
  WHERE o.payload ->> 'studentId' = ANY($1::uuid[]::text[])
)
SELECT
  -- G1: one active purchase a student and course, and this payment made it; or an open case.
  (SELECT count(*) FROM paid
   WHERE NOT EXISTS (SELECT FROM payment_cases c WHERE c.payment_id = paid.id AND c.status = 'open')
     AND 1 <> (SELECT count(*) FROM purchases p WHERE p.payment_id = paid.id AND 1 =
                 (SELECT count(*) FROM purchases q WHERE q.student_id = p.student_id AND q.course_id = p.course_id))
  ) AS "unfulfilled!",
  -- G2: one granted allocation a purchase, or one that waits visibly.
  (SELECT count(*) FROM purchases p
   WHERE 1 <> (SELECT count(*) FROM allocations a WHERE a.student_id = p.student_id AND a.course_id = p.course_id
                 AND a.status IN ('approved', 'active', 'pending'))
  ) AS "unallocated!",
  -- G3: seven future sessions, or all that were bought.
  (SELECT count(*) FROM granted a
   JOIN purchases p ON p.student_id = a.student_id AND p.course_id = a.course_id
   WHERE (SELECT count(*) FROM tutoring_sessions s WHERE s.allocation_id = a.id AND s.status = 'scheduled'
            AND s.scheduled_date >= (now() AT TIME ZONE 'Asia/Kolkata')::date) < least(7, p.purchase_tier)
  ) AS "unscheduled!",
  -- G4: what is there was published, and sent at the latest by the sweep, which runs each minute and heeds a lease ...
  (SELECT count(*) FROM published WHERE published_at IS NULL AND created_at < now() - interval '3 minutes')
  + (SELECT count(*) FROM paid WHERE NOT EXISTS (SELECT FROM published o
       WHERE o.event_type = 'PURCHASE_CONFIRMED' AND o.payload ->> 'paymentId' = paid.id::text))
  + (SELECT count(*) FROM purchases p WHERE NOT EXISTS (SELECT FROM published o
       WHERE o.event_type = 'PURCHASE_CREATED' AND o.payload ->> 'purchaseId' = p.id::text))
  + (SELECT count(*) FROM granted a WHERE NOT EXISTS (SELECT FROM published o
       WHERE o.event_type = 'TRAINER_ALLOCATED' AND o.payload ->> 'allocationId' = a.id::text))
  AS "unpublished!",
  -- ... and what was published is there.
  (SELECT count(*) FROM published o WHERE o.event_type = 'PURCHASE_CREATED'
     AND NOT EXISTS (SELECT FROM purchases p WHERE p.id::text = o.payload ->> 'purchaseId'))
  + (SELECT count(*) FROM published o WHERE o.event_type = 'TRAINER_ALLOCATED'
     AND NOT EXISTS (SELECT FROM granted a WHERE a.id::text = o.payload ->> 'allocationId'))
  AS "invented!"
