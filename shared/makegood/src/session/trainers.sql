-- Serialises everyone who plans for these trainers ($1: allocations): whoever plans for one student must see what was planned for the other.
-- Advisory, since a trainer has no row of ours; of a batch's trainers only, so that the table of locks is never full. In the order of the keys,
-- after the rows of lock.sql, so that nothing waits in a circle.
SELECT pg_advisory_xact_lock(k.key)
FROM (SELECT DISTINCT hashtextextended('trainer:' || trainer_id, 0) AS key FROM trainer_allocations
      WHERE id = ANY($1) AND trainer_id IS NOT NULL AND status IN ('approved', 'active') ORDER BY 1) AS k
