-- The conflict has no target on purpose. The row lock on the allocation already keeps all who schedule apart, with or
-- without unique_session_slot; only somebody else's insert can be in the way, and then that slot is taken, which is no
-- error. A target would fail with 42P10 where the index is missing.
INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, planned_date, planned_time)
SELECT n.allocation_id, n.student_id, n.trainer_id, n.course_id, n.day, n.slot, n.day, n.slot
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::date[], $6::text[])
     AS n (allocation_id, student_id, trainer_id, course_id, day, slot)
ORDER BY n.allocation_id, n.day
ON CONFLICT DO NOTHING
RETURNING id, allocation_id, scheduled_date
