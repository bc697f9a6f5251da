-- The allocations with what was bought: the oldest active purchase, as older data may hold several.
-- Without any, the purchases that there were have ended; a pair that never had one is older than purchases are.
-- Only the fields that matter leave the server, whatever else the metadata carries: `terms` is what sessions are planned by, `planned`
-- what they were planned by last.
SELECT DISTINCT ON (a.id)
       a.id, a.status, a.student_id, a.trainer_id, a.course_id,
       makegood_object(a.metadata) ->> 'sessionCount' AS session_count,
       p.purchase_tier AS "purchase_tier?",
       jsonb_build_object(
         'trainer', a.trainer_id, 'slot', makegood_object(a.metadata) ->> 'timeSlot',
         'start', coalesce(makegood_object(a.metadata) ->> 'startDate', makegood_object(a.metadata) -> 'schedule' ->> 'startDate'),
         'purchase', p.id, 'purchaseSlot', makegood_object(p.metadata) ->> 'timeSlot',
         'purchaseStart', coalesce(makegood_object(p.metadata) -> 'schedule' ->> 'startDate', makegood_object(p.metadata) ->> 'startDate')) AS "terms!: Json<Terms>",
       a.planned AS "planned: Json<Terms>",
       p.payment_id AS "payment_id?", nullif(p.expiry_date, 'infinity') AS "ends_at?",
       p.id IS NULL AND EXISTS (SELECT FROM student_course_purchases e
                                WHERE e.student_id = a.student_id AND e.course_id = a.course_id AND NOT e.is_active) AS "is_ended!",
       EXISTS (SELECT FROM disputes d
               WHERE d.payment_id = p.payment_id AND d.status IN ('open', 'under_review', 'action_required')) AS "is_disputed!"
FROM trainer_allocations a
LEFT JOIN student_course_purchases p
       ON p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
WHERE a.id = ANY($1)
ORDER BY a.id, p.created_at, p.id
