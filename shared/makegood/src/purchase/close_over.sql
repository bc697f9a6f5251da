-- Closes these purchases ($1) for the reason ($2) that each was found to be over, before the transaction makes those that renew them. A
-- purchase from before payments had ids keeps whose it was ($3). Its allocation is completed, so that a new one may stand, and the
-- sessions that were planned beyond its end, after the school's day $4, are cancelled, those of earlier allocations too. The rows are locked
-- before, in one order.
WITH closed AS (
  UPDATE student_course_purchases p
  SET is_active = false, ended_at = now(), end_reason = o.reason, payment_id = coalesce(p.payment_id, o.owner), updated_at = now()
  FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS o (id, reason, owner)
  WHERE p.id = o.id AND p.is_active
  RETURNING p.id, p.student_id, p.course_id, p.payment_id, p.end_reason
), released AS (
  UPDATE trainer_allocations a
  SET status = CASE WHEN a.status = 'pending' THEN 'cancelled' ELSE 'completed' END, updated_at = now()
  FROM (SELECT DISTINCT student_id, course_id FROM closed) c
  WHERE a.student_id = c.student_id AND a.course_id = c.course_id AND a.status IN ('approved', 'active', 'pending')
), cancelled AS (
  UPDATE tutoring_sessions s
  SET status = 'cancelled', updated_at = now()
  FROM (SELECT DISTINCT student_id, course_id FROM closed) c
  JOIN trainer_allocations a ON a.student_id = c.student_id AND a.course_id = c.course_id
  WHERE s.allocation_id = a.id AND s.status = 'scheduled' AND s.scheduled_date > $4
  RETURNING c.student_id, c.course_id
)
SELECT c.id AS "id!", c.student_id AS "student_id!", c.course_id AS "course_id!", c.payment_id, c.end_reason AS "reason!",
       (SELECT count(*) FROM cancelled s WHERE s.student_id = c.student_id AND s.course_id = c.course_id) AS "cancelled!"
FROM closed c
