-- A new customer, as JSON their id: $1 uid, $2 e-mail address, $3 and $4 names, $5 phone, $6 date of birth, $7 state,
-- $8 time zone.
INSERT INTO public.customer AS c
    (firebase_uid, email, first_name, last_name, phone, date_of_birth, state_code, country, timezone)
SELECT
    $1::text, $2::text, $3::text, $4::text, $5::text, $6::text::date, $7::text,
    CASE WHEN $7::text IS NOT NULL THEN 'US' END,
    coalesce($8::text, 'UTC')
RETURNING to_json(c.id)
