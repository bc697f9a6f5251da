-- When and why a purchase ended. Null while it runs, and on rows that were ended before this, by whoever set is_active to false.
--
-- Locks: ACCESS EXCLUSIVE on student_course_purchases for one change of the catalogue; nullable columns rewrite no row.

SET LOCAL lock_timeout = '3s';

ALTER TABLE student_course_purchases ADD COLUMN IF NOT EXISTS ended_at timestamptz, ADD COLUMN IF NOT EXISTS end_reason text;
