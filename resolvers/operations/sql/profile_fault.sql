-- What is wrong with a profile, as its part's name and a sentence, or no row: $1 and $2 names, $3 phone, $4 date of
-- birth, $5 state. A sign-up's state is one of the United States.
SELECT to_json(f.fault)
FROM public.profile_fault($1::text, $2::text, $3::text, $4::text::date, $5::text, 'US') AS f (fault)
WHERE f.fault IS NOT NULL
