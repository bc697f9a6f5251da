-- Intents that a gateway is to be asked about: the $1 whose turn it is, none of the gateways in $2.
--
-- Undecided ones from their sixth minute on. Those that we ended ourselves without a final word (the reservation was over, or
-- eSewa knew nothing) for three days: a buyer can pay late from a page that stayed open, and a gateway can be away over a
-- weekend. Each buyer's turn comes before any buyer's second: who opens many checkouts waits behind those who opened one. Within a turn
-- the newest and the oldest that were never asked alternate, so that neither a backlog nor new checkouts keep the others waiting; then
-- comes whoever was asked longest ago. The pause grows with the age at the last question: by an eighth up to an hour while undecided, doubling
-- for what ended; after a question that went unanswered it is a quarter of an hour at most, so that an outage ends for everybody.
WITH known AS (
  SELECT i.payment_intent_id, i.provider, i.external_transaction_id, i.user_id, i.created_at, true AS is_undecided, i.metadata
  FROM payment_intents i
  WHERE i.status IN ('pending', 'processing') AND i.created_at < now() - interval '5 minutes'
  UNION ALL
  SELECT i.payment_intent_id, i.provider, i.external_transaction_id, i.user_id, i.created_at, false, i.metadata
  FROM payment_intents i
  WHERE i.status IN ('cancelled', 'expired', 'failed') AND i.created_at > now() - interval '3 days'
), judged AS (
  SELECT k.payment_intent_id, k.provider, k.external_transaction_id, k.user_id, k.created_at, k.is_undecided,
         (k.metadata #>> '{gateway,asked_at}')::timestamptz AS asked_at,
         coalesce(k.metadata #>> '{gateway,answer}', 'gateway_silent') LIKE 'gateway\_%' AS is_unanswered
  FROM known k
  WHERE k.external_transaction_id IS NOT NULL
    AND k.provider <> ALL ($2)
    AND NOT EXISTS (SELECT FROM payment_gateway_verifications v WHERE v.payment_intent_id = k.payment_intent_id)
), due AS (
  SELECT j.*, row_number() OVER (PARTITION BY j.user_id ORDER BY j.asked_at NULLS FIRST, j.created_at DESC, j.payment_intent_id) AS turn
  FROM judged j
  WHERE j.asked_at IS NULL
     OR j.asked_at < now() - greatest(interval '4 minutes',
          CASE WHEN j.is_unanswered THEN least((j.asked_at - j.created_at) / 8, interval '15 minutes')
               WHEN j.is_undecided THEN least((j.asked_at - j.created_at) / 8, interval '1 hour')
               ELSE j.asked_at - j.created_at END)
), placed AS (
  SELECT d.*,
         row_number() OVER (PARTITION BY d.turn, d.asked_at IS NULL ORDER BY d.created_at DESC, d.payment_intent_id) AS from_newest,
         row_number() OVER (PARTITION BY d.turn, d.asked_at IS NULL ORDER BY d.created_at, d.payment_intent_id) AS from_oldest
  FROM due d
)
SELECT p.provider AS "provider!", p.external_transaction_id AS "external_transaction_id!"
FROM placed p
ORDER BY p.turn, p.asked_at NULLS FIRST, least(p.from_newest, p.from_oldest), p.created_at DESC, p.payment_intent_id
LIMIT $1
