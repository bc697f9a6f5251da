-- What is on the calendar of each allocation: how many sessions are used up (a cancelled one is not), and what is booked
-- from $2, the school's today, on. Edited is what a person moved; a row from before moves were noted, when anything of it was changed.
SELECT allocation_id,
       count(*) FILTER (WHERE status <> 'cancelled') AS "used!",
       coalesce(array_agg(id) FILTER (WHERE scheduled_date >= $2), '{}') AS "ids!",
       coalesce(array_agg(trainer_id) FILTER (WHERE scheduled_date >= $2), '{}') AS "trainers!",
       coalesce(array_agg(scheduled_date) FILTER (WHERE scheduled_date >= $2), '{}') AS "days!",
       coalesce(array_agg(scheduled_time::text) FILTER (WHERE scheduled_date >= $2), '{}') AS "times!",
       coalesce(array_agg(status = 'scheduled') FILTER (WHERE scheduled_date >= $2), '{}') AS "scheduled!",
       coalesce(array_agg(coalesce(planned_date <> scheduled_date OR planned_time <> scheduled_time, updated_at <> created_at))
                FILTER (WHERE scheduled_date >= $2), '{}') AS "edited!",
       coalesce(array_agg(planned_date IS NOT NULL) FILTER (WHERE scheduled_date >= $2), '{}') AS "planned!"
FROM tutoring_sessions
WHERE allocation_id = ANY($1)
GROUP BY allocation_id
