-- A purchase holds any whole number of sessions from 1 to 500. The older CHECK, whatever it is called, allowed 10, 20 and 30; 0362
-- validates the new one.
--
-- Locks: ACCESS EXCLUSIVE on student_course_purchases for changes of the catalogue; NOT VALID reads no row. Every row satisfied the
-- narrower constraint, so nothing that is there can break this one.

SET LOCAL lock_timeout = '3s';

DO $$
DECLARE
  older record;
BEGIN
  FOR older IN
    SELECT c.conname FROM pg_constraint c
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attname = 'purchase_tier' AND c.conkey = ARRAY[a.attnum]
    WHERE c.conrelid = 'student_course_purchases'::regclass AND c.contype = 'c' AND c.conname <> 'purchase_tier_range'
  LOOP
    EXECUTE format('ALTER TABLE student_course_purchases DROP CONSTRAINT %I', older.conname);
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_constraint
                 WHERE conrelid = 'student_course_purchases'::regclass AND conname = 'purchase_tier_range') THEN
    ALTER TABLE student_course_purchases
      ADD CONSTRAINT purchase_tier_range CHECK (purchase_tier BETWEEN 1 AND 500) NOT VALID;
  END IF;
END $$;
