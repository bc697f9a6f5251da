-- Notes, for those of these allocations ($1) that nobody has looked at yet, what they say now: from here on a change of it is seen.
-- Whoever is being changed at this moment is noted another time.
WITH due AS MATERIALIZED (
  SELECT a.id, a.trainer_id, a.metadata, p.id AS purchase_id, p.metadata AS purchase_metadata
  FROM trainer_allocations a
  LEFT JOIN LATERAL (
    SELECT p.id, p.metadata FROM student_course_purchases p
    WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
    ORDER BY p.created_at, p.id
    LIMIT 1) p ON true
  WHERE a.id = ANY($1) AND a.planned IS NULL
  ORDER BY a.id
  FOR NO KEY UPDATE OF a SKIP LOCKED
)
UPDATE trainer_allocations a
SET planned = jsonb_build_object(
      'trainer', d.trainer_id, 'slot', makegood_object(d.metadata) ->> 'timeSlot',
      'start', coalesce(makegood_object(d.metadata) ->> 'startDate', makegood_object(d.metadata) -> 'schedule' ->> 'startDate'),
      'purchase', d.purchase_id, 'purchaseSlot', makegood_object(d.purchase_metadata) ->> 'timeSlot',
      'purchaseStart', coalesce(makegood_object(d.purchase_metadata) -> 'schedule' ->> 'startDate', makegood_object(d.purchase_metadata) ->> 'startDate'))
FROM due d
WHERE a.id = d.id
