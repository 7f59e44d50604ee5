-- What makes events of tickets and their comments; as `python -m triggers.ddl` printed it when this revision was written.
-- Writes what happened to a row of public.support_ticket to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_public_support_ticket() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    aggregate_id text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT t.customer_id INTO STRICT aggregate_id
        FROM public.support_ticket AS t WHERE t.id = NEW.id;
        -- Keeps the order of the key: see events.publish.
        PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'ticket.inserted',
            'customer-events',
            aggregate_id,
            aggregate_id,
            jsonb_build_object(
                'op', 'INSERT',
                'table', '{"schema": "public", "name": "support_ticket"}'::jsonb,
                'data', jsonb_build_object(
                    'old', NULL,
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'customer_id', NEW.customer_id,
                        'zendesk_ticket_id', NEW.zendesk_ticket_id,
                        'category', NEW.category,
                        'status', NEW.status,
                        'priority', NEW.priority,
                        'invoice_id', NEW.invoice_id,
                        'created_at', NEW.created_at,
                        'updated_at', NEW.updated_at
                    )
                ),
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        );
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT t.customer_id INTO STRICT aggregate_id
        FROM public.support_ticket AS t WHERE t.id = NEW.id;
        -- Keeps the order of the key: see events.publish.
        PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'ticket.updated',
            'customer-events',
            aggregate_id,
            aggregate_id,
            jsonb_build_object(
                'op', 'UPDATE',
                'table', '{"schema": "public", "name": "support_ticket"}'::jsonb,
                'data', jsonb_build_object(
                    'old', jsonb_build_object(
                        'id', OLD.id,
                        'customer_id', OLD.customer_id,
                        'zendesk_ticket_id', OLD.zendesk_ticket_id,
                        'category', OLD.category,
                        'status', OLD.status,
                        'priority', OLD.priority,
                        'invoice_id', OLD.invoice_id,
                        'created_at', OLD.created_at,
                        'updated_at', OLD.updated_at
                    ),
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'customer_id', NEW.customer_id,
                        'zendesk_ticket_id', NEW.zendesk_ticket_id,
                        'category', NEW.category,
                        'status', NEW.status,
                        'priority', NEW.priority,
                        'invoice_id', NEW.invoice_id,
                        'created_at', NEW.created_at,
                        'updated_at', NEW.updated_at
                    )
                ),
                'changed', to_jsonb(array_remove(ARRAY[
                    CASE WHEN OLD.subject IS DISTINCT FROM NEW.subject THEN 'subject' END,
                    CASE WHEN OLD.status IS DISTINCT FROM NEW.status THEN 'status' END,
                    CASE WHEN OLD.priority IS DISTINCT FROM NEW.priority THEN 'priority' END
                ], NULL)),
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        );
    END IF;
    RETURN NULL;
END;
$function$;

CREATE TRIGGER record_insert AFTER INSERT ON public.support_ticket
FOR EACH ROW
EXECUTE FUNCTION events.record_public_support_ticket();

CREATE TRIGGER record_update AFTER UPDATE ON public.support_ticket
FOR EACH ROW
WHEN (
    OLD.subject IS DISTINCT FROM NEW.subject
    OR OLD.status IS DISTINCT FROM NEW.status
    OR OLD.priority IS DISTINCT FROM NEW.priority
)
EXECUTE FUNCTION events.record_public_support_ticket();

-- Writes what happened to a row of public.support_ticket_comment to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_public_support_ticket_comment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    aggregate_id text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT t.customer_id INTO STRICT aggregate_id
        FROM public.support_ticket AS t WHERE t.id = NEW.ticket_id;
        -- Keeps the order of the key: see events.publish.
        PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'ticket.commented',
            'customer-events',
            aggregate_id,
            aggregate_id,
            jsonb_build_object(
                'comment_id', NEW.id,
                'ticket_id', NEW.ticket_id,
                'author', NEW.author,
                'public', NEW.public,
                'zendesk_comment_id', NEW.zendesk_comment_id,
                'customer_id', aggregate_id
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        );
    END IF;
    RETURN NULL;
END;
$function$;

CREATE TRIGGER record_insert AFTER INSERT ON public.support_ticket_comment
FOR EACH ROW
EXECUTE FUNCTION events.record_public_support_ticket_comment();
