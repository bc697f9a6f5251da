SELECT id, at, actor, action, subject, reason, details FROM audit_log
WHERE action = $1 AND id < $2
ORDER BY id DESC LIMIT $3
