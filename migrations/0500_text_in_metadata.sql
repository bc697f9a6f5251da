-- Metadata that was encoded twice: some ORMs write the JSON text of an object into a jsonb column as a JSON string (issues of
-- drizzle-orm and porsager/postgres). Every query of ours that looks into metadata reads it through this function.
--
-- Locks: none; new functions.

SET LOCAL lock_timeout = '3s';

-- The object that a text holds, however often it was encoded; the value itself where it holds none, so that the reader finds no
-- field in it.
CREATE OR REPLACE FUNCTION makegood_parsed(value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  read jsonb := value;
BEGIN
  FOR i IN 1..3 LOOP
    EXIT WHEN jsonb_typeof(read) <> 'string';
    read := (read #>> '{}')::jsonb;
  END LOOP;
  RETURN read;
EXCEPTION WHEN data_exception OR statement_too_complex THEN
  RETURN value;
END
$$;

-- The object in a column of metadata. One expression, which the planner writes into the query: what is an object already costs
-- one look at its type.
CREATE OR REPLACE FUNCTION makegood_object(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN jsonb_typeof(value) = 'string' THEN makegood_parsed(value) ELSE value END $$;
