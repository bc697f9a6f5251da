-- Whether a foreign key of another team's table holds a person's id: then no pseudonym can take its place.
SELECT EXISTS (
  SELECT FROM pg_constraint c
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
  WHERE c.contype = 'f'
    AND (c.conrelid IN (to_regclass('payments'), to_regclass('student_course_purchases'), to_regclass('trainer_allocations'),
                        to_regclass('tutoring_sessions')) AND a.attname IN ('student_id', 'requested_by') AND $1
         OR c.conrelid IN (to_regclass('payment_intents'), to_regclass('orders')) AND a.attname = 'user_id' AND NOT $1)
) AS "keeps!"
