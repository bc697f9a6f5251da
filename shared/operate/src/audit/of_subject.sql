SELECT id, at, actor, action, subject, reason, details FROM audit_log
WHERE subject = $1 AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR action = $3) AND id < $4
ORDER BY id DESC LIMIT $5
