-- Serialises everyone who fills these windows; in id order, so that overlapping batches can't deadlock.
-- A statement of its own: what is read after it has a snapshot from after the lock.
SELECT id FROM trainer_allocations WHERE id = ANY($1) ORDER BY id FOR UPDATE
