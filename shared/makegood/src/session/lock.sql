-- Serialises everyone who fills these windows, or others of the same students: whoever plans one course must see what was planned for the
-- other. In id order, so that overlapping batches can't deadlock. Rows, and no advisory locks: a page has a thousand students, and the table
-- of locks is finite. Of the others only those that may be planned for, so that nobody waits who only looks for a trainer. OFFSET 0 keeps the
-- planner from reading all allocations.
-- A statement of its own: what is read after it has a snapshot from after the lock.
SELECT id FROM trainer_allocations
WHERE id = ANY (ARRAY(
  SELECT unnest($1::uuid[])
  UNION
  SELECT o.id FROM trainer_allocations a
  CROSS JOIN LATERAL (
    SELECT o.id FROM trainer_allocations o
    WHERE o.student_id = a.student_id AND o.status IN ('approved', 'active') OFFSET 0) o
  WHERE a.id = ANY($1)))
ORDER BY id FOR UPDATE
