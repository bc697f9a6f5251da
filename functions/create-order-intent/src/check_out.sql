-- The whole of a plain checkout, in one call that commits by itself (migrations/0520_counted_stock.sql). Nulls: it is not plain, and
-- nothing was changed.
SELECT reserved_cents, short_variants, short_skus, short_wanted, short_available
FROM makegood_check_out_3($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
