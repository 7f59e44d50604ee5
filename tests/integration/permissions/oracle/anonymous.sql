-- What a visitor may see: the treatment catalogue, active ones.

-- public.treatment
SELECT id FROM public.treatment WHERE active
