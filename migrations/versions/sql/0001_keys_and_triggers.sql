-- Keys, and the triggers that every table of ours shares.

-- public.uuid_v7: a UUID of version 7 (RFC 9562, section 5.7), the default of our keys.
-- PostgreSQL 18 has it built in. Before, it is built here: 48 bits of milliseconds, the version, 12 bits of the
-- fraction of the millisecond (method 3 of section 6.2), and 62 random bits with the variant from gen_random_uuid.
-- One expression without sub-select, so that the planner inlines it into the insert.
DO $choose$
BEGIN
    IF to_regprocedure('pg_catalog.uuidv7()') IS NOT NULL THEN
        CREATE FUNCTION public.uuid_v7() RETURNS uuid
            LANGUAGE sql VOLATILE PARALLEL SAFE
            AS 'SELECT pg_catalog.uuidv7()';
    ELSE
        CREATE FUNCTION public.uuid_v7() RETURNS uuid
            LANGUAGE sql VOLATILE PARALLEL SAFE
            RETURN (
                overlay(
                    -- 2^12 units a millisecond: twelve hexadecimal digits of time, three of its fraction.
                    lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 4096000)::bigint), 15, '0')
                    PLACING '7' FROM 13 FOR 0
                )
                || right(encode(uuid_send(gen_random_uuid()), 'hex'), 16)
            )::uuid;
    END IF;
END
$choose$;

COMMENT ON FUNCTION public.uuid_v7() IS 'A UUID of version 7: sorts by the time it was made.';

-- public.touch_updated_at: keeps updated_at, whatever the client sent.
CREATE FUNCTION public.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    AS $body$
BEGIN
    NEW.updated_at := pg_catalog.now();
    RETURN NEW;
END
$body$;

COMMENT ON FUNCTION public.touch_updated_at() IS 'Sets updated_at to the time of the transaction.';

-- public.set_contract_end_date: a contract without an end ends after its treatment's term.
-- An unknown treatment gets some date too, so that the foreign key can say what is wrong.
-- A month that lacks the day ends it on its last day: 31 August and six months is 28 or 29 February.
CREATE FUNCTION public.set_contract_end_date() RETURNS trigger
    LANGUAGE plpgsql
    AS $body$
DECLARE
    term_months integer;
BEGIN
    SELECT treatment.term_months
    INTO term_months
    FROM public.treatment
    WHERE treatment.id = NEW.treatment_id;

    NEW.end_date := NEW.start_date + pg_catalog.make_interval(months => coalesce(term_months, 6));
    RETURN NEW;
END
$body$;

COMMENT ON FUNCTION public.set_contract_end_date() IS 'Fills end_date from the treatment''s term.';
