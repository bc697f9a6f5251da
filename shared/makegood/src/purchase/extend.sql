-- Adds what these payments ($1) bought to purchases that run ($2): so many sessions ($3), and the later end of both ($4; null does not
-- end). Once a payment: one that is recorded already adds nothing. The allocation's own count grows with the purchase's. The rows are
-- locked before, in one order.
WITH recorded AS (
  INSERT INTO purchase_extensions (payment_id, purchase_id, sessions, ends_at)
  SELECT w.payment_id, w.purchase_id, w.sessions, w.ends_at
  FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[]) AS w (payment_id, purchase_id, sessions, ends_at)
  ORDER BY w.payment_id
  ON CONFLICT (payment_id) DO NOTHING
  RETURNING purchase_id, sessions, ends_at
), added AS (
  SELECT purchase_id, sum(sessions)::integer AS sessions, max(ends_at) AS ends_at, bool_or(ends_at IS NULL) AS is_endless
  FROM recorded GROUP BY purchase_id
), extended AS (
  UPDATE student_course_purchases p
  SET purchase_tier = p.purchase_tier + a.sessions,
      expiry_date = CASE WHEN a.is_endless OR p.expiry_date IS NULL THEN NULL ELSE greatest(p.expiry_date, a.ends_at) END,
      updated_at = now()
  FROM added a
  WHERE p.id = a.purchase_id
  RETURNING p.id, p.student_id, p.course_id, a.sessions
), counted AS (
  UPDATE trainer_allocations t
  SET metadata = jsonb_set(makegood_object(t.metadata), '{sessionCount}', to_jsonb((makegood_object(t.metadata) ->> 'sessionCount')::integer + e.sessions)),
      updated_at = now()
  FROM extended e
  WHERE t.student_id = e.student_id AND t.course_id = e.course_id AND t.status IN ('approved', 'active', 'pending')
    AND makegood_object(t.metadata) ->> 'sessionCount' ~ '^\s*[0-9]{1,4}\s*$'
)
SELECT e.id FROM extended e
