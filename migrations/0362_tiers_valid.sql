-- Validates what 0361 added.
--
-- Locks: SHARE UPDATE EXCLUSIVE on student_course_purchases while it is read once; readers and writers pass.

SET LOCAL lock_timeout = '3s';

ALTER TABLE student_course_purchases VALIDATE CONSTRAINT purchase_tier_range;
