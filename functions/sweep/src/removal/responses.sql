-- Removes what the gateway answered from at most $2 verifications of before $1. Amount, state and time stay in columns of their own.
UPDATE payment_gateway_verifications g
SET verification_response = NULL
WHERE g.id = ANY(ARRAY(SELECT v.id FROM payment_gateway_verifications v
                       WHERE v.verification_response IS NOT NULL AND v.verified_at < $1
                       ORDER BY v.verified_at LIMIT $2 FOR UPDATE SKIP LOCKED))
