-- public.begin_once: whoever asks twice for a treatment, by a double click say, has it once. A contract that has begun or
-- will, for the same treatment and with a day in common, is refused; what follows it directly is not. Others of the same
-- customer wait here for one another, so that two at once see each other. For sessions of customers and of those who act
-- for them: what agents and operators write is up to them.
CREATE FUNCTION public.begin_once() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $body$
BEGIN
    IF current_setting('app.session')::jsonb ->> 'x-hasura-role' NOT IN ('user', 'cct') THEN
        RETURN NEW;
    END IF;
    PERFORM FROM public.customer AS c WHERE c.id = NEW.customer_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM public.contract AS c
        WHERE c.customer_id = NEW.customer_id
            AND c.treatment_id = NEW.treatment_id
            AND c.status IN ('future', 'active')
            AND c.start_date < NEW.end_date
            AND c.end_date > NEW.start_date
    )
    THEN
        RAISE unique_violation USING
            MESSAGE = 'there is a contract for this treatment already that has days in common with this one',
            CONSTRAINT = 'contract_begin_once';
    END IF;
    RETURN NEW;
END
$body$;

COMMENT ON FUNCTION public.begin_once() IS
    'Refuses a second contract of a customer for the same treatment and time, where a person asks for it.';

-- After set_contract_end_date, by its name.
CREATE TRIGGER start_once BEFORE INSERT ON public.contract
FOR EACH ROW
WHEN (coalesce(current_setting('app.session', true), '') <> '')
EXECUTE FUNCTION public.begin_once();
