SELECT id, at, actor, action, subject, reason, details FROM audit_log
WHERE actor = $1 AND ($2::text IS NULL OR action = $2) AND id < $3
ORDER BY id DESC LIMIT $4
