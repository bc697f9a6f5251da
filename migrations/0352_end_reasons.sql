-- Why a purchase may end; 0354 validates it.
--
-- Locks: ACCESS EXCLUSIVE on student_course_purchases for two changes of the catalogue; NOT VALID reads no row.

SET LOCAL lock_timeout = '3s';

ALTER TABLE student_course_purchases DROP CONSTRAINT IF EXISTS student_course_purchases_end_reason_check;
ALTER TABLE student_course_purchases ADD CONSTRAINT student_course_purchases_end_reason_check
  CHECK (end_reason IN ('refunded', 'dispute_lost', 'by_hand', 'expired', 'consumed', 'replaced')) NOT VALID;
