-- Metadata that was encoded twice: some ORMs write the JSON text of an object into a jsonb column as a JSON string (issues of
-- drizzle-orm and porsager/postgres). Every query of ours that looks into metadata reads it through makegood_object.
--
-- Locks: none; new functions.

SET LOCAL lock_timeout = '3s';

-- The object that a text holds, up to three times encoded; the value itself where it holds none, so that the reader finds no field in it.
-- No text makes it fail. To catch the error of a cast would take a subtransaction, which PostgreSQL 15 refuses in a parallel plan; so the
-- text is looked at first: its strings and scalars are taken for one sign each, then objects and arrays of signs for one, until one is left.
-- What jsonb can't hold (NUL, halves of a pair of surrogates) is no JSON here, nor is a number of hundreds of digits.
CREATE OR REPLACE FUNCTION makegood_parsed(value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  string  CONSTANT text := chr(1);
  scalar  CONSTANT text := chr(2);
  found   jsonb := value;
  body    text;
  shape   text;
  reduced text;
BEGIN
  FOR layer IN 1..3 LOOP
    body := found #>> '{}';
    EXIT WHEN jsonb_typeof(found) <> 'string' OR length(body) > 1000000 OR body ~ '[\u0001\u0002]';
    shape := regexp_replace(body,
      '"(?:[^"\\\u0001-\u001f]|\\["\\/bfnrt]|\\u(?!0000)(?:[0-9a-cefA-CEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2})'
        || '|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*"',
      string, 'g');
    shape := regexp_replace(shape, '-?(?:0|[1-9][0-9]{0,200})(?:\.[0-9]{1,200})?(?:[eE][+-]?[0-9]{1,3})?|true|false|null', scalar, 'g');
    shape := translate(shape, E' \t\n\r', '');
    FOR depth IN 1..200 LOOP
      reduced := regexp_replace(shape, '\{(?:\u0001:[\u0001\u0002](?:,\u0001:[\u0001\u0002])*)?\}', scalar, 'g');
      reduced := regexp_replace(reduced, '\[(?:[\u0001\u0002](?:,[\u0001\u0002])*)?\]', scalar, 'g');
      EXIT WHEN reduced = shape;
      shape := reduced;
    END LOOP;
    EXIT WHEN shape NOT IN (string, scalar);
    found := body::jsonb;
  END LOOP;
  RETURN CASE WHEN jsonb_typeof(found) = 'object' THEN found ELSE value END;
END
$$;

-- The object in a column of metadata. One expression, which the planner writes into the query: what is an object already costs
-- one look at its type.
CREATE OR REPLACE FUNCTION makegood_object(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT CASE WHEN jsonb_typeof(value) = 'string' THEN makegood_parsed(value) ELSE value END $$;
