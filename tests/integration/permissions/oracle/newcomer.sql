-- What somebody may see who has yet to sign up: the treatment catalogue, active ones.

-- public.treatment
SELECT id FROM public.treatment WHERE active
