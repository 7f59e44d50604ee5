-- public.begin_once: whoever asks twice within a moment for the same treatment from the same day, by a double click say,
-- has it once: each contract would have a subscription of its own, and be charged for. One that names its subscription
-- is charged for already, and may be written. Others of the same customer wait here for one another, so that two at once
-- see each other. For sessions of customers and of those who act for them: agents and operators may write what they like.
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
            AND c.start_date = NEW.start_date
            AND c.status IN ('future', 'active')
            AND c.created_at > clock_timestamp() - interval '10 seconds'
    )
    THEN
        RAISE unique_violation USING
            MESSAGE = 'a contract for this treatment from this day was begun a moment ago',
            CONSTRAINT = 'contract_begin_once';
    END IF;
    RETURN NEW;
END
$body$;

COMMENT ON FUNCTION public.begin_once() IS
    'Refuses a contract that a person has asked for twice within a moment.';

CREATE TRIGGER begin_once BEFORE INSERT ON public.contract
FOR EACH ROW
WHEN (NEW.subscription_id IS NULL AND coalesce(current_setting('app.session', true), '') <> '')
EXECUTE FUNCTION public.begin_once();
