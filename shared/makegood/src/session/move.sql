-- Moves sessions ($1) that are as they were read (their days $2 and times $3) to these allocations ($4) and trainers ($5), days ($6) and times
-- ($7), and gives back which were moved; without a day the session is cancelled where it is. In the order of their ids. What a person has moved
-- keeps the mark of it.
WITH change AS MATERIALIZED (
  SELECT m.*, (m.day, m.time) IS DISTINCT FROM (m.old_day, m.old_time)
              OR NOT coalesce(s.planned_date <> s.scheduled_date OR s.planned_time <> s.scheduled_time, s.updated_at <> s.created_at) AS is_ours
  FROM unnest($1::uuid[], $2::date[], $3::text[], $4::uuid[], $5::uuid[], $6::date[], $7::text[])
    AS m (id, old_day, old_time, allocation_id, trainer_id, day, time)
  JOIN tutoring_sessions s ON s.id = m.id
  WHERE s.status = 'scheduled' AND s.scheduled_date = m.old_day AND s.scheduled_time = m.old_time
  ORDER BY s.id
  FOR NO KEY UPDATE OF s
), cancelled AS (
  UPDATE tutoring_sessions s SET status = 'cancelled', updated_at = now()
  FROM change c WHERE s.id = c.id AND c.day IS NULL
  RETURNING s.id
), moved AS (
  UPDATE tutoring_sessions s
  SET allocation_id = c.allocation_id, trainer_id = c.trainer_id, scheduled_date = c.day, scheduled_time = c.time,
      planned_date = CASE WHEN c.is_ours THEN c.day ELSE s.planned_date END,
      planned_time = CASE WHEN c.is_ours THEN c.time ELSE s.planned_time END, updated_at = now()
  FROM change c WHERE s.id = c.id AND c.day IS NOT NULL
  RETURNING s.id
)
SELECT id AS "id!" FROM cancelled UNION ALL SELECT id FROM moved
