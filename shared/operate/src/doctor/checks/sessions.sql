-- G3 and G9: the calendars of approved and active allocations. $1 is now, $2 the grace in seconds, $3 the school's today,
-- $4 the least sessions ahead before the top-up refills, $5 the full window, $6 how many seconds the top-up may take, $7 its time zone,
-- $8 the days of the week on which it teaches, Monday being 1.
--
-- This is the largest table, so it is read once and folded into two numbers an allocation, which takes half the time of an
-- aggregate for each question. `folded` counts in steps of 1 the sessions that were not cancelled, and in steps of 4096 those of
-- them that are scheduled ahead. `days` has a bit for each day with a session ahead, the day's number modulo 63: nine whole weeks
-- from Monday 3 January 2000 on, so that a day of the week is always the same bits. Two days may share a bit, and so whatever the bits
-- say is looked at once more in the rows of that allocation. Only what the numbers make suspect is kept (`OFFSET 0` keeps the planner
-- from working out `bought` once for each question): on a healthy database that is nothing, and a million rows need not be stored.
WITH calendar AS (
  SELECT s.allocation_id,
         sum(CASE WHEN s.status = 'scheduled' AND s.scheduled_date >= $3::date THEN 4097
                  WHEN s.status <> 'cancelled' THEN 1 ELSE 0 END) AS folded,
         bit_or(CASE WHEN s.status = 'scheduled' AND s.scheduled_date >= $3::date AND isfinite(s.scheduled_date)
                     THEN 1::bigint << ((s.scheduled_date - date '2000-01-03') % 63) END) AS days
  FROM tutoring_sessions s
  GROUP BY s.allocation_id
), closed AS (
  SELECT bit_or(1::bigint << bit) AS days
  FROM (SELECT bit FROM generate_series(0, 62) bit WHERE bit % 7 + 1 <> ALL($8::integer[])
        UNION ALL
        SELECT (b.day - date '2000-01-03') % 63 FROM session_blackout_dates b WHERE b.day >= $3::date AND isfinite(b.day)) d
), earlier AS (
  -- What allocations that are over have used of the purchase that another one serves now; what is ahead of them moves.
  SELECT a.id, max(p.purchase_tier) AS purchase_tier, count(*) AS used
  FROM student_course_purchases p
  JOIN trainer_allocations e ON e.student_id = p.student_id AND e.course_id = p.course_id AND e.status IN ('cancelled', 'completed', 'rejected')
                            AND coalesce(makegood_object(e.metadata) ->> 'purchaseId' = p.id::text, e.created_at >= p.created_at)
  JOIN trainer_allocations a ON a.student_id = p.student_id AND a.course_id = p.course_id AND a.status IN ('approved', 'active')
  JOIN tutoring_sessions s ON s.allocation_id = e.id AND s.status <> 'cancelled' AND (s.status <> 'scheduled' OR s.scheduled_date < $3::date)
  WHERE p.is_active
  GROUP BY a.id
), own AS (
  SELECT a.id, a.student_id, a.course_id, coalesce(greatest(a.created_at, a.allocated_at), a.created_at) AS since,
         coalesce(c.folded, 0) % 4096 AS used, coalesce(c.folded, 0) / 4096 AS ahead, coalesce(c.days, 0) AS days,
         CASE WHEN makegood_object(a.metadata) ->> 'sessionCount' ~ '^[0-9]{0,3}[1-9][0-9]{0,3}$' THEN (makegood_object(a.metadata) ->> 'sessionCount')::integer
              ELSE coalesce((SELECT p.purchase_tier FROM student_course_purchases p
                             WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
                             ORDER BY p.created_at, p.id LIMIT 1), 30) END AS bought
  FROM trainer_allocations a
  LEFT JOIN calendar c ON c.allocation_id = a.id
  WHERE a.status IN ('approved', 'active') AND a.trainer_id IS NOT NULL AND a.course_id IS NOT NULL
  OFFSET 0
), state AS (
  SELECT o.id, o.student_id, o.course_id, o.since, o.used, o.ahead, o.days,
         CASE WHEN e.id IS NULL THEN o.bought ELSE least(o.bought, greatest(e.purchase_tier, o.bought) - e.used) END AS bought
  FROM own o
  LEFT JOIN earlier e ON e.id = o.id
  OFFSET 0
), suspect AS MATERIALIZED (
  SELECT s.*, s.days & closed.days <> 0 AS may_be_closed, bit_count(s.days::bit(64)) < s.ahead AS may_share_a_day
  FROM state s CROSS JOIN closed
  WHERE s.ahead < $5 AND s.used < s.bought OR s.used > s.bought
     OR s.days & closed.days <> 0 OR bit_count(s.days::bit(64)) < s.ahead
), broken AS (
  SELECT CASE WHEN s.ahead < $4 THEN 'sessions-missing' ELSE 'sessions-below-seven' END AS code, s.id, s.since AS at
  FROM suspect s
  WHERE s.ahead < $5 AND s.used < s.bought
    AND s.since < $1::timestamptz - make_interval(secs => $2)
    -- None ahead: reconcile repairs it within minutes. One or two, and lately more: the top-up's next run does.
    AND (s.ahead = 0 OR s.ahead >= $4
         OR NOT EXISTS (SELECT FROM tutoring_sessions t
                        WHERE t.allocation_id = s.id AND t.updated_at >= $1::timestamptz - make_interval(secs => $6)))
    -- Of a running purchase that leaves a day for one more session, by the rule in shared/makegood/src/unfulfilled/allocations.sql.
    AND EXISTS (
      SELECT FROM trainer_allocations a
      LEFT JOIN LATERAL (SELECT p.id, p.expiry_date, p.metadata FROM student_course_purchases p
                         WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
                         ORDER BY p.created_at, p.id LIMIT 1) p ON true
      WHERE a.id = s.id
        AND (p.id IS NOT NULL
             OR NOT EXISTS (SELECT FROM student_course_purchases e
                            WHERE e.student_id = a.student_id AND e.course_id = a.course_id AND NOT e.is_active))
        AND (p.expiry_date IS NULL
             OR EXISTS (SELECT FROM generate_series($3::date + 1,
                                                least($3::date + 400,
                                                      ((p.expiry_date AT TIME ZONE $7) + interval '1 second')::date - 1)::timestamp,
                                                interval '1 day') d (day)
                        WHERE extract(isodow FROM d.day)::integer = ANY($8::integer[])
                          AND to_char(d.day, 'YYYY-MM-DD') >= coalesce(substring(coalesce(makegood_object(a.metadata) ->> 'startDate', makegood_object(a.metadata) -> 'schedule' ->> 'startDate', makegood_object(p.metadata) -> 'schedule' ->> 'startDate', makegood_object(p.metadata) ->> 'startDate') FROM '^\s*(\d{4}-\d\d-\d\d)'), '')
                          AND NOT EXISTS (SELECT FROM session_blackout_dates b WHERE b.day = d.day::date)
                          AND NOT EXISTS (SELECT FROM tutoring_sessions s
                                          WHERE s.allocation_id = a.id AND s.scheduled_date = d.day::date))))
    -- Nothing new is planned while the buyer's bank asks for the money back.
    AND NOT EXISTS (SELECT FROM student_course_purchases p
                    JOIN disputes d ON d.payment_id = p.payment_id AND d.status IN ('open', 'under_review', 'action_required')
                    WHERE p.student_id = s.student_id AND p.course_id = s.course_id AND p.is_active)
  UNION ALL
  SELECT 'sessions-beyond-bought', s.id, s.since FROM suspect s WHERE s.used > s.bought
  UNION ALL
  SELECT 'session-on-closed-day', s.id, s.since
  FROM suspect s
  WHERE s.may_be_closed
    AND EXISTS (SELECT FROM tutoring_sessions t
                WHERE t.allocation_id = s.id AND t.status = 'scheduled' AND t.scheduled_date >= $3::date
                  AND (extract(isodow FROM t.scheduled_date)::integer <> ALL($8::integer[])
                       OR EXISTS (SELECT FROM session_blackout_dates b WHERE b.day = t.scheduled_date)))
  UNION ALL
  SELECT 'two-sessions-a-day', s.id, s.since
  FROM suspect s
  WHERE s.may_share_a_day
    AND EXISTS (SELECT FROM tutoring_sessions t
                WHERE t.allocation_id = s.id AND t.status = 'scheduled' AND t.scheduled_date >= $3::date
                GROUP BY t.scheduled_date HAVING count(*) > 1)
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id::text ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
