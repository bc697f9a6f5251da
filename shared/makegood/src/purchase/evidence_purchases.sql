-- Purchases of each request's pair that are active, and the purchase of its payment whatever its state.
WITH request AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY
    AS r (payment_id, student_id, course_id, position)
), found AS (
  SELECT r.position, p.id FROM request r
  JOIN student_course_purchases p ON p.student_id = r.student_id AND p.course_id = r.course_id AND p.is_active
  UNION
  SELECT r.position, p.id FROM request r
  JOIN student_course_purchases p ON p.payment_id = r.payment_id
)
SELECT f.position AS "position!", p.id AS "id!", p.payment_id AS "payment_id?", p.is_active AS "active!",
       p.created_at AS "created_at!",
       EXISTS (SELECT FROM outbox o WHERE o.event_id = 'purchase-created-' || p.id) AS "published!"
FROM found f JOIN student_course_purchases p USING (id)
ORDER BY f.position, p.created_at, p.id
