-- Notes that the payment $1 holds $3 sessions of the purchase $2 less, and takes what is new of that ($4, negative to give it back) from the
-- purchase and from its allocation's own number. The rows are locked before.
WITH noted AS (
  INSERT INTO purchase_reductions (payment_id, purchase_id, sessions)
  VALUES ($1, $2, $3)
  ON CONFLICT (payment_id) DO UPDATE SET purchase_id = excluded.purchase_id, sessions = excluded.sessions, updated_at = now()
), reduced AS (
  UPDATE student_course_purchases p SET purchase_tier = p.purchase_tier - $4::integer, updated_at = now()
  WHERE p.id = $2 AND $4 <> 0
  RETURNING p.student_id, p.course_id
)
UPDATE trainer_allocations t
SET metadata = jsonb_set(makegood_object(t.metadata), '{sessionCount}', to_jsonb(greatest(1, (makegood_object(t.metadata) ->> 'sessionCount')::integer - $4))), updated_at = now()
FROM reduced r
WHERE t.student_id = r.student_id AND t.course_id = r.course_id AND t.status IN ('approved', 'active', 'pending')
  AND makegood_object(t.metadata) ->> 'sessionCount' ~ '^\s*[0-9]{1,4}\s*$'
