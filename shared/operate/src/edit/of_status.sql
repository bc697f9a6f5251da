SELECT id, subject, body, replaces, changes AS "changes: Json<Vec<Change>>", forced, status AS "status: EditStatus", proposed_by, caller, reason,
       proposed_at, decided_by, decided_at
FROM proposed_edits WHERE status = $1 AND (proposed_at, id) < ($2, $3)
ORDER BY proposed_at DESC, id DESC LIMIT $4
