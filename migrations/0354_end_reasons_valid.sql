-- Validates what 0352 and 0353 added.
--
-- Locks: SHARE UPDATE EXCLUSIVE on student_course_purchases and payment_cases while each is read once; readers and writers pass.

SET LOCAL lock_timeout = '3s';

ALTER TABLE student_course_purchases VALIDATE CONSTRAINT student_course_purchases_end_reason_check;
ALTER TABLE payment_cases VALIDATE CONSTRAINT payment_cases_kind_check;
