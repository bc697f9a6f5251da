-- Which payment made the purchase. Null for purchases from before Makegood: whose payment they were is decided from their
-- marked events and the student's payments, never guessed here.
--
-- Locks: ACCESS EXCLUSIVE on student_course_purchases for as long as a catalogue change takes: a nullable column without
-- a default rewrites nothing. After three seconds of waiting it gives up, so that sales queue behind it no longer than that;
-- `makegood migrate` then tries again.

SET LOCAL lock_timeout = '3s';

ALTER TABLE student_course_purchases ADD COLUMN IF NOT EXISTS payment_id uuid;
