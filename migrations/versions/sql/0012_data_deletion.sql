-- However a request comes (by the operation or by an insert), the work is planned for the end of its grace period.
CREATE FUNCTION public.plan_data_deletion() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    INSERT INTO events.scheduled_task (name, kind, target, payload, due_at)
    VALUES (
        'data_deletion.carry_out/' || NEW.id,
        'data_deletion.carry_out',
        'data_deletion',
        jsonb_build_object('data_deletion_request_id', NEW.id, 'customer_id', NEW.customer_id),
        NEW.scheduled_for
    )
    ON CONFLICT (name) DO NOTHING;
    RETURN NULL;
END;
$function$;

COMMENT ON FUNCTION public.plan_data_deletion() IS 'Plans the work of a deletion request for the end of its grace period.';

CREATE TRIGGER plan_data_deletion AFTER INSERT ON public.data_deletion_request
FOR EACH ROW WHEN (NEW.status = 'pending') EXECUTE FUNCTION public.plan_data_deletion();
