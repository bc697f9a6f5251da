SELECT id, subject, body, replaces, changes AS "changes: Json<Vec<Change>>", forced, status AS "status: EditStatus", proposed_by, caller, reason,
       proposed_at, decided_by, decided_at
FROM proposed_edits WHERE subject = $1 AND status = 'pending'
