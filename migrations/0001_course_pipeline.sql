-- The course pipeline's tables, with the columns that the older system gave them. Where a table is there already, it and
-- its rows stay as they are, foreign keys included. New tables have no foreign keys to students, courses and trainers:
-- those belong to other services.
--
-- Locks: none on tables that exist (`IF NOT EXISTS` only looks in the catalogue); new tables are seen by nobody before the
-- commit. Unique and secondary indexes are not here: shared/src/schema/catalogue.rs lists them, and they are built
-- CONCURRENTLY after the migrations (see README.md).

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS payments (
  id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  student_id          uuid NOT NULL,
  amount_cents        bigint NOT NULL,
  currency            text NOT NULL DEFAULT 'INR',
  status              text NOT NULL DEFAULT 'initiated'
    CHECK (status IN ('initiated', 'processing', 'succeeded', 'failed', 'refunded', 'cancelled')),
  payment_method      text,
  provider            text,
  provider_payment_id text,
  description         text,
  metadata            jsonb,
  payment_url         text,
  expires_at          timestamptz,
  confirmed_at        timestamptz,
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS student_course_purchases (
  id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  student_id    uuid NOT NULL,
  course_id     uuid NOT NULL,
  purchase_tier integer NOT NULL CHECK (purchase_tier IN (10, 20, 30)),
  purchase_date timestamptz NOT NULL DEFAULT now(),
  expiry_date   timestamptz,
  metadata      jsonb,
  is_active     boolean NOT NULL DEFAULT true,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS processed_events (
  event_id       text PRIMARY KEY,
  event_type     varchar(100) NOT NULL,
  correlation_id uuid NOT NULL,
  payload        jsonb NOT NULL,
  source         varchar(100) NOT NULL,
  version        varchar(20) NOT NULL DEFAULT '1.0.0',
  processed_at   timestamptz NOT NULL DEFAULT now(),
  created_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS trainer_allocations (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  student_id       uuid NOT NULL,
  trainer_id       uuid,
  course_id        uuid,
  requested_by     uuid NOT NULL,
  requested_at     timestamptz NOT NULL DEFAULT now(),
  status           text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'approved', 'rejected', 'active', 'completed', 'cancelled')),
  allocated_by     uuid,
  allocated_at     timestamptz,
  rejected_by      uuid,
  rejected_at      timestamptz,
  rejection_reason text,
  notes            text,
  metadata         jsonb,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS tutoring_sessions (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  allocation_id  uuid NOT NULL REFERENCES trainer_allocations (id) ON DELETE CASCADE,
  student_id     uuid NOT NULL,
  trainer_id     uuid NOT NULL,
  course_id      uuid,
  scheduled_date date NOT NULL,
  scheduled_time varchar(20) NOT NULL,
  duration       integer NOT NULL DEFAULT 40,
  status         text NOT NULL DEFAULT 'scheduled'
    CHECK (status IN ('scheduled', 'pending_verification', 'in_progress', 'pending_confirmation', 'completed', 'disputed',
                      'cancelled')),
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS session_blackout_dates (
  day    date PRIMARY KEY,
  reason text
);
