-- The day and the time for which the pipeline planned a session (docs/decisions/0072): where they differ from those of the row, a person has
-- moved it, and it stays. Null on rows that nobody has planned since this release.
--
-- Locks: ACCESS EXCLUSIVE on tutoring_sessions for one change of the catalogue; nullable columns rewrite no row.

SET LOCAL lock_timeout = '3s';

ALTER TABLE tutoring_sessions ADD COLUMN IF NOT EXISTS planned_date date, ADD COLUMN IF NOT EXISTS planned_time varchar(20);
