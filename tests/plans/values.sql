-- What the parameters of the statements are made of: ids of the data set, worked out from the numbers of its rows (data.sql).
-- Loaded after it, and may be loaded again.
-- "Ordinary" rows are new, run or are paid, and have nothing special about them.

SET client_min_messages = warning;
DROP TABLE IF EXISTS plans.recent;
CREATE TABLE plans.recent AS
SELECT row_number() OVER (ORDER BY b.n DESC) AS place, b.n, payment, purchase, allocation, student, course, trainer, intent,
       buyer, cart, ordered
FROM plans.bought b JOIN plans.checkout c ON c.n = b.n
WHERE b.n % 50 > 25 AND b.n % 10 <> 0 AND b.n % 100 <> 33
ORDER BY b.n DESC LIMIT 1000;
SET search_path = plans, public;

-- The number of the newest row, and that of the newest ordinary one.
CREATE OR REPLACE FUNCTION total() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT rows FROM plans.size';
CREATE OR REPLACE FUNCTION newest() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT n FROM plans.recent WHERE place = 1';

CREATE OR REPLACE FUNCTION payments(amount bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(payment ORDER BY place) FROM plans.recent WHERE place <= amount $$;
CREATE OR REPLACE FUNCTION purchases(amount bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(purchase ORDER BY place) FROM plans.recent WHERE place <= amount $$;
CREATE OR REPLACE FUNCTION allocations(amount bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(allocation ORDER BY place) FROM plans.recent WHERE place <= amount $$;
CREATE OR REPLACE FUNCTION students(amount bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(student ORDER BY place) FROM plans.recent WHERE place <= amount $$;
CREATE OR REPLACE FUNCTION courses(amount bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(course ORDER BY place) FROM plans.recent WHERE place <= amount $$;
CREATE OR REPLACE FUNCTION trainers(amount bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(trainer ORDER BY place) FROM plans.recent WHERE place <= amount $$;
-- The fifth session of each, which is ahead.
CREATE OR REPLACE FUNCTION sessions(amount bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(md5('session' || n || '-5')::uuid ORDER BY place) FROM plans.recent WHERE place <= amount $$;
CREATE OR REPLACE FUNCTION provider_payments(amount bigint) RETURNS text[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg('pay_' || n ORDER BY place) FROM plans.recent WHERE place <= amount $$;
CREATE OR REPLACE FUNCTION marks(amount bigint) RETURNS text[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg('payment:' || p || ':PURCHASE_CONFIRMED') FROM unnest(payments(amount)) p $$;
CREATE OR REPLACE FUNCTION intents(amount bigint) RETURNS text[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(intent ORDER BY place) FROM plans.recent WHERE place <= amount $$;
CREATE OR REPLACE FUNCTION orders(amount bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(ordered ORDER BY place) FROM plans.recent WHERE place <= amount $$;
CREATE OR REPLACE FUNCTION jobs(amount bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(md5('job' || n)::uuid ORDER BY place) FROM plans.recent WHERE place <= amount $$;
CREATE OR REPLACE FUNCTION variants(amount bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(md5('variant' || v)::uuid) FROM generate_series(0, amount - 1) v $$;
-- Rows of the outbox: published ones, and those that wait.
CREATE OR REPLACE FUNCTION published(amount bigint) RETURNS bigint[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(id) FROM (SELECT id FROM outbox WHERE published_at > now() - interval '7 days' ORDER BY id DESC
    LIMIT amount) o $$;
CREATE OR REPLACE FUNCTION waiting(amount bigint) RETURNS bigint[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(id) FROM (SELECT id FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT amount) o $$;
-- The nth newest row of something that only some rows have: `number(11)` is one with n % 50 = 11, `number(12, 200)` one of every
-- 200.
CREATE OR REPLACE FUNCTION number(rest bigint, every bigint DEFAULT 50) RETURNS bigint LANGUAGE sql STABLE AS
  $$ SELECT n FROM generate_series(total() * 3 / 4, 1, -1) n WHERE n % every = rest LIMIT 1 $$;
CREATE OR REPLACE FUNCTION payment_of(number bigint) RETURNS uuid
  LANGUAGE sql STABLE AS $$ SELECT md5('payment' || number)::uuid $$;
CREATE OR REPLACE FUNCTION payment_in_parts() RETURNS uuid LANGUAGE sql STABLE AS
  $$ SELECT md5('payment' || plans.number(30, 50))::uuid $$;

-- The newest ordinary row.
CREATE OR REPLACE FUNCTION payment() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT (payments(1))[1]';
CREATE OR REPLACE FUNCTION purchase() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT (purchases(1))[1]';
CREATE OR REPLACE FUNCTION allocation() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT (allocations(1))[1]';
CREATE OR REPLACE FUNCTION student() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT (students(1))[1]';
CREATE OR REPLACE FUNCTION course() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT (courses(1))[1]';
CREATE OR REPLACE FUNCTION provider_payment() RETURNS text LANGUAGE sql STABLE AS 'SELECT (provider_payments(1))[1]';
CREATE OR REPLACE FUNCTION intent() RETURNS text LANGUAGE sql STABLE AS 'SELECT (intents(1))[1]';
CREATE OR REPLACE FUNCTION ordered() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT (orders(1))[1]';
CREATE OR REPLACE FUNCTION job() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT (jobs(1))[1]';
CREATE OR REPLACE FUNCTION buyer() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT buyer FROM plans.recent WHERE place = 1';
CREATE OR REPLACE FUNCTION cart() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT cart FROM plans.recent WHERE place = 1';

-- What is unfinished (data.sql says which numbers are what).
CREATE OR REPLACE FUNCTION open_payments(first bigint, last bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(payment ORDER BY g) FROM plans.unfinished WHERE g BETWEEN first AND last $$;
CREATE OR REPLACE FUNCTION open_purchases(first bigint, last bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(purchase ORDER BY g) FROM plans.unfinished WHERE g BETWEEN first AND last $$;
CREATE OR REPLACE FUNCTION open_allocations(first bigint, last bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(allocation ORDER BY g) FROM plans.unfinished WHERE g BETWEEN first AND last $$;
CREATE OR REPLACE FUNCTION open_students(first bigint, last bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(student ORDER BY g) FROM plans.unfinished WHERE g BETWEEN first AND last $$;
CREATE OR REPLACE FUNCTION open_courses(first bigint, last bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(course ORDER BY g) FROM plans.unfinished WHERE g BETWEEN first AND last $$;
CREATE OR REPLACE FUNCTION open_intents(first bigint, last bigint) RETURNS text[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(intent ORDER BY q) FROM plans.open_checkout WHERE q BETWEEN first AND last $$;
CREATE OR REPLACE FUNCTION open_jobs(first bigint, last bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(md5('open job' || q)::uuid ORDER BY q) FROM generate_series(first, last) q $$;
CREATE OR REPLACE FUNCTION open_dead_letters(first bigint, last bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(md5('open dead letter' || g)::uuid ORDER BY g) FROM generate_series(first, last) g $$;
CREATE OR REPLACE FUNCTION open_reservations(first bigint, last bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(md5('open reservation' || q)::uuid ORDER BY q) FROM generate_series(first, last) q $$;

-- The programs that resolve cases, and the same value `amount` times.
CREATE OR REPLACE FUNCTION programs() RETURNS text[] LANGUAGE sql STABLE AS
  $$ SELECT '{sweep,receive-payment,create-purchase,finalize-order,verify-payment,makegood}'::text[] $$;
CREATE OR REPLACE FUNCTION times(amount bigint, value anyelement) RETURNS anyarray LANGUAGE sql STABLE AS
  $$ SELECT array_fill(value, ARRAY[amount::integer]) $$;
CREATE OR REPLACE FUNCTION fresh(amount bigint) RETURNS uuid[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(md5('fresh' || f)::uuid) FROM generate_series(1, amount) f $$;
CREATE OR REPLACE FUNCTION fresh_texts(prefix text, amount bigint) RETURNS text[] LANGUAGE sql STABLE AS
  $$ SELECT array_agg(prefix || f) FROM generate_series(1, amount) f $$;
