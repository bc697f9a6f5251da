-- The highest sample of each gauge in each bucket: from $1 to $2, in steps of $3 seconds.
SELECT s.name, floor(extract(epoch FROM s.at - $1::timestamptz) / $3::bigint)::bigint AS "bucket!", max(s.value) AS "value!"
FROM health_samples s
WHERE s.at >= $1 AND s.at <= $2
GROUP BY s.name, 2
