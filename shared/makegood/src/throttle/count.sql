-- Counts a request of a client ($2) in what is counted together ($1), for windows of $3 seconds that begin with a client's first
-- request. One row for each client, changed in place.
INSERT INTO client_requests AS c (scope, client, since, requests)
VALUES ($1, $2, now(), 1)
ON CONFLICT (scope, client) DO UPDATE
SET since = CASE WHEN c.since <= now() - make_interval(secs => $3) THEN now() ELSE c.since END,
    requests = CASE WHEN c.since <= now() - make_interval(secs => $3) THEN 1 ELSE c.requests + 1 END
RETURNING c.requests AS "requests!", (extract(epoch FROM c.since - now()) + $3)::double precision AS "left!"
