-- Removes the bodies of at most $2 dead letters that ended before $1, with their reasons, which may quote them. The row stays: what was
-- parked, when, under which code, and what became of it. One that waits for a person is left alone, and so is one that somebody holds.
UPDATE dead_letters d
SET raw = NULL, document = NULL, failure_reason = 'removed, its time is over: ' || coalesce(d.error_code, 'it had no code')
WHERE d.id = ANY(ARRAY(SELECT l.id FROM dead_letters l
                       WHERE l.status <> 'parked' AND (l.raw IS NOT NULL OR l.document IS NOT NULL) AND l.parked_at < $1
                         AND greatest(l.discarded_at, l.replayed_at, l.parked_at) < $1
                       ORDER BY l.parked_at LIMIT $2 FOR UPDATE SKIP LOCKED))
