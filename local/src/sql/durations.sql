-- From the payment's row to the first session on that student's calendar, in whole milliseconds, nearest rank.
WITH durations AS (
  SELECT (extract(epoch FROM min(s.created_at) - p.created_at) * 1000)::bigint AS millis
  FROM payments p
  JOIN student_course_purchases b ON b.payment_id = p.id AND b.is_active
  JOIN tutoring_sessions s ON s.student_id = b.student_id AND s.course_id = b.course_id
  WHERE p.student_id = ANY($1)
  GROUP BY p.id
)
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY millis) AS p50,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY millis) AS p95,
       max(millis) AS longest
FROM durations
