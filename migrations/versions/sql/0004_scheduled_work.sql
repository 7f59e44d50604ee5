-- A task that gets another time, or is planned after it was cancelled or failed, is another task to Cloud Tasks, which
-- never takes a name twice. What was handed over before is out of date from the moment this commits: the agent compares
-- generations, and the scheduler removes it.
CREATE FUNCTION events.plan_anew() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF NEW.status = 'handed_over' AND NEW.due_at IS DISTINCT FROM OLD.due_at THEN
        NEW.status := 'scheduled';
    END IF;
    IF NEW.status = 'scheduled' AND (OLD.status <> 'scheduled' OR NEW.due_at IS DISTINCT FROM OLD.due_at) THEN
        NEW.generation := OLD.generation + 1;
        NEW.handed_over_at := NULL;
        NEW.finished_at := NULL;
    END IF;
    RETURN NEW;
END;
$function$;

COMMENT ON FUNCTION events.plan_anew() IS 'Gives a task that is planned anew a generation of its own.';

CREATE TRIGGER plan_anew BEFORE UPDATE OF status, due_at ON events.scheduled_task
FOR EACH ROW EXECUTE FUNCTION events.plan_anew();
