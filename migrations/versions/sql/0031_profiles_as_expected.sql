-- public.e164: a phone number as text messages are sent to it (ITU-T E.164): without blanks and what one sets between the
-- groups, and with the country's code where the United States' are left out, as people there write them.
CREATE FUNCTION public.e164(phone text, country text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    RETURN (
        SELECT CASE
            WHEN upper(coalesce(e164.country, 'US')) <> 'US' THEN t.digits
            WHEN t.digits ~ '^[2-9][0-9]{9}$' THEN '+1' || t.digits
            WHEN t.digits ~ '^1[2-9][0-9]{9}$' THEN '+' || t.digits
            ELSE t.digits
        END
        FROM translate(e164.phone, ' -.()', '') AS t (digits)
    );

COMMENT ON FUNCTION public.e164(text, text) IS 'A phone number in the form +12025550142, if it can be one.';

-- public.profile_fault: what is wrong with a part of a customer's profile, as the part's name and a sentence that says
-- what is expected; null when nothing is. Null parts aren't looked at. Operations ask before they write, the triggers
-- below ask for everybody else.
CREATE FUNCTION public.profile_fault(
    first_name text, last_name text, phone text, date_of_birth date, state_code text, country text
) RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $body$
DECLARE
    -- C0, DEL, C1, and the separators of lines and paragraphs.
    control CONSTANT text := '[\u0001-\u001F\u007F-\u009F\u2028\u2029]';
    not_in_names CONSTANT text := 'a name has no line breaks, tabs or other control characters';
BEGIN
    IF first_name ~ control THEN
        RETURN ARRAY['first_name', not_in_names];
    END IF;
    IF last_name ~ control THEN
        RETURN ARRAY['last_name', not_in_names];
    END IF;
    IF public.e164(phone, country) !~ '^\+[1-9][0-9]{7,14}$' THEN
        RETURN ARRAY[
            'phone',
            'a phone number begins with + and the country''s code and has 8 to 15 digits, as in +12025550142'
        ];
    END IF;
    IF date_of_birth < date '1900-01-01' OR date_of_birth > current_date THEN
        RETURN ARRAY['date_of_birth', 'a birth date is from 1900-01-01 to today'];
    END IF;
    -- Parcels go to the United States where no country is given. States, the district, territories, armed forces' post.
    IF upper(coalesce(country, 'US')) = 'US' AND state_code <> ALL (ARRAY[
        'AL', 'AK', 'AZ', 'AR', 'CA', 'CO', 'CT', 'DE', 'FL', 'GA', 'HI', 'ID', 'IL', 'IN', 'IA', 'KS', 'KY', 'LA',
        'ME', 'MD', 'MA', 'MI', 'MN', 'MS', 'MO', 'MT', 'NE', 'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', 'ND', 'OH', 'OK',
        'OR', 'PA', 'RI', 'SC', 'SD', 'TN', 'TX', 'UT', 'VT', 'VA', 'WA', 'WV', 'WI', 'WY',
        'DC', 'AS', 'GU', 'MP', 'PR', 'VI', 'AA', 'AE', 'AP'
    ]) THEN
        RETURN ARRAY['state_code', 'a state of the United States is written as its two capital letters, as in CA'];
    END IF;
    RETURN NULL;
END
$body$;

COMMENT ON FUNCTION public.profile_fault(text, text, text, date, text, text) IS
    'What is wrong with a part of a profile: its name, and what is expected. Null when nothing is.';

-- Looks at what is new only, so that a row from before there was this can be written in its other parts. A trigger, not
-- a constraint: today is another day when a backup is restored, and the message says what is expected.
CREATE FUNCTION public.check_profile() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $body$
DECLARE
    fault CONSTANT text[] := public.profile_fault(
        nullif(NEW.first_name, OLD.first_name),
        nullif(NEW.last_name, OLD.last_name),
        nullif(NEW.phone, OLD.phone),
        nullif(NEW.date_of_birth, OLD.date_of_birth),
        CASE WHEN (NEW.state_code, NEW.country) IS DISTINCT FROM (OLD.state_code, OLD.country) THEN NEW.state_code END,
        NEW.country
    );
BEGIN
    -- Of people; what operators and programs write is up to them.
    IF coalesce(nullif(current_setting('app.session', true), '')::jsonb ->> 'x-hasura-role', '')
        NOT IN ('user', 'newcomer', 'cct')
    THEN
        RETURN NEW;
    END IF;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION '%: %', fault[1], fault[2] USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF NEW.phone IS DISTINCT FROM OLD.phone THEN
        NEW.phone := public.e164(NEW.phone, NEW.country);
    END IF;
    RETURN NEW;
END
$body$;

COMMENT ON FUNCTION public.check_profile() IS
    'Refuses what a person writes into a profile and can''t be; sets phone numbers in E.164.';

CREATE TRIGGER check_profile BEFORE INSERT ON public.customer
FOR EACH ROW EXECUTE FUNCTION public.check_profile();

CREATE TRIGGER check_changed_profile
BEFORE UPDATE OF first_name, last_name, phone, date_of_birth, state_code, country ON public.customer
FOR EACH ROW
WHEN (
    (OLD.first_name, OLD.last_name, OLD.phone, OLD.date_of_birth, OLD.state_code, OLD.country) IS DISTINCT FROM
    (NEW.first_name, NEW.last_name, NEW.phone, NEW.date_of_birth, NEW.state_code, NEW.country)
)
EXECUTE FUNCTION public.check_profile();
