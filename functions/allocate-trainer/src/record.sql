-- Writes what the admin service answered, one row a pair. Runs under the pairs' advisory locks, taken by a statement of
-- its own before. The row that stands wins; else the one that waits is promoted; else the row of this id is made, or made
-- good.
-- A pair that is missing from the result was changed by somebody else in this moment, or the id is another pair's.
WITH wanted AS (
  SELECT w.*, CASE WHEN w.trainer_id IS NULL THEN 'pending' ELSE 'approved' END AS status
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::jsonb[])
       AS w (student_id, course_id, allocation_id, trainer_id, metadata)
), found AS (
  SELECT w.*, t.id AS row_id, t.status AS row_status, t.trainer_id AS row_trainer,
         COALESCE(t.rank = 1 AND t.trainer_id IS NOT NULL, false) AS stands
  FROM wanted w
  LEFT JOIN LATERAL (
    -- Two looks instead of one: the first has the index on what stands, which may be all that there is.
    SELECT * FROM (
      SELECT 1 AS rank, a.id, a.status, a.trainer_id, a.created_at FROM trainer_allocations a
      WHERE a.student_id = w.student_id AND a.course_id = w.course_id AND a.status IN ('approved', 'active')
      UNION ALL
      SELECT 2, a.id, a.status, a.trainer_id, a.created_at FROM trainer_allocations a
      WHERE a.student_id = w.student_id AND a.course_id = w.course_id AND a.status = 'pending') each_look
    ORDER BY rank, id = w.allocation_id DESC, created_at, id
    LIMIT 1) t ON true
), changed AS (
  UPDATE trainer_allocations a
  SET status = CASE WHEN f.row_status IN ('approved', 'active') THEN f.row_status ELSE f.status END,
      trainer_id = COALESCE(f.trainer_id, a.trainer_id),
      allocated_at = CASE WHEN f.trainer_id IS NULL THEN a.allocated_at ELSE now() END,
      metadata = COALESCE(a.metadata, '{}') || f.metadata
                 || CASE WHEN a.id = f.allocation_id THEN '{}'
                         ELSE jsonb_build_object('adminAllocationId', f.allocation_id) END,
      updated_at = now()
  FROM found f
  WHERE a.id = f.row_id AND NOT f.stands AND a.status = f.row_status
  RETURNING a.student_id, a.course_id, a.id, a.trainer_id
), made AS (
  INSERT INTO trainer_allocations AS a
         (id, student_id, trainer_id, course_id, requested_by, status, allocated_at, metadata)
  SELECT CASE WHEN s.is_spent THEN gen_random_uuid() ELSE f.allocation_id END, f.student_id, f.trainer_id, f.course_id, f.student_id,
         f.status, CASE WHEN f.trainer_id IS NOT NULL THEN now() END,
         f.metadata || CASE WHEN s.is_spent THEN jsonb_build_object('adminAllocationId', f.allocation_id) ELSE '{}' END
  FROM found f
  -- The service may answer a renewal with the allocation of the purchase that it renews, or of one that was ended. Its sessions are not
  -- those of the new one, which gets a row of its own.
  CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM trainer_allocations o
                   WHERE o.id = f.allocation_id AND o.student_id = f.student_id AND o.course_id = f.course_id
                     AND (o.status = 'completed'
                          AND makegood_object(o.metadata) ->> 'purchaseId' IS DISTINCT FROM makegood_object(f.metadata) ->> 'purchaseId'
                          OR o.status IN ('cancelled', 'rejected') AND makegood_object(o.metadata) ->> 'purchaseId' <> makegood_object(f.metadata) ->> 'purchaseId')) AS is_spent) s
  WHERE f.row_id IS NULL
  ORDER BY f.student_id, f.course_id
  -- The admin service may share this database and write the row itself, in whatever state, even since the look.
  ON CONFLICT (id) DO UPDATE
  SET status = CASE WHEN a.status IN ('approved', 'active') THEN a.status ELSE excluded.status END,
      trainer_id = COALESCE(excluded.trainer_id, a.trainer_id),
      allocated_at = CASE WHEN a.status IN ('approved', 'active') THEN COALESCE(a.allocated_at, excluded.allocated_at)
                          ELSE COALESCE(excluded.allocated_at, a.allocated_at) END,
      metadata = COALESCE(a.metadata, '{}') || excluded.metadata,
      updated_at = now()
  WHERE a.student_id = excluded.student_id AND a.course_id = excluded.course_id
    -- Cancelled here, and the service still gives the same trainer, or still none: that is for a person to say there, too.
    AND NOT (a.status IN ('cancelled', 'rejected') AND a.trainer_id IS NOT DISTINCT FROM excluded.trainer_id)
  RETURNING a.student_id, a.course_id, a.id, a.trainer_id
)
SELECT f.student_id AS "student_id!", f.course_id AS "course_id!", f.row_id AS "id!", f.row_trainer AS trainer_id
FROM found f WHERE f.stands
UNION ALL SELECT c.student_id, c.course_id, c.id, c.trainer_id FROM changed c
UNION ALL SELECT m.student_id, m.course_id, m.id, m.trainer_id FROM made m
