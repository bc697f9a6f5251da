-- The scheduled sessions of these allocations ($1) from $2, the school's today, on that are where the pipeline put them, with the time that was
-- chosen when they were planned. Whether one is at another time is for who knows how times are spelled.
SELECT s.allocation_id, s.scheduled_date AS day, s.scheduled_time::text AS "time!",
       coalesce(a.planned ->> 'slot', a.planned ->> 'purchaseSlot') AS chosen
FROM trainer_allocations a
JOIN tutoring_sessions s ON s.allocation_id = a.id
WHERE a.id = ANY($1) AND s.scheduled_date >= $2 AND s.status = 'scheduled'
  AND s.planned_date = s.scheduled_date AND s.planned_time = s.scheduled_time
ORDER BY s.scheduled_date, s.id
LIMIT 500
