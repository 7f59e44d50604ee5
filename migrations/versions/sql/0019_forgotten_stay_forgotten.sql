-- chargebee.forget_person: how to reach a person whose data is being deleted, or was, is not written into the mirror.
-- A webhook tells of a customer as they were when it was made, and may come when they are forgotten already, here and
-- there: a copy of the same version with other content would be written. Named so that it runs before
-- keep_newest_version, which then finds that nothing is new. By our own id as well: that is what the chargebee agent
-- makes customers under, and it may not have come to write it down. The owner's rights, so that writers need none on
-- customers.
CREATE FUNCTION chargebee.forget_person() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $body$
BEGIN
    IF EXISTS (
            SELECT FROM public.customer AS c
            WHERE c.chargebee_customer_id = NEW.id AND c.deleted_at IS NOT NULL
        )
        OR EXISTS (
            SELECT FROM public.customer AS c
            WHERE c.deleted_at IS NOT NULL
                AND c.id = CASE
                    WHEN NEW.id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN NEW.id::uuid
                END
        )
    THEN
        NEW.email := NULL;
        NEW.first_name := NULL;
        NEW.last_name := NULL;
        NEW.phone := NULL;
        NEW.billing_address := NULL;
        NEW.primary_payment_source_id := NULL;
    END IF;
    RETURN NEW;
END
$body$;

COMMENT ON FUNCTION chargebee.forget_person() IS
    'Keeps name, addresses, phone and payment source of deleted customers out of the mirror.';

CREATE TRIGGER forget_person BEFORE INSERT OR UPDATE ON chargebee.customer
FOR EACH ROW
WHEN (
    coalesce(NEW.email, NEW.first_name, NEW.last_name, NEW.phone, NEW.primary_payment_source_id) IS NOT NULL
    OR NEW.billing_address IS NOT NULL
)
EXECUTE FUNCTION chargebee.forget_person();

-- What came late before there was this.
UPDATE chargebee.customer AS b
SET email = NULL, first_name = NULL, last_name = NULL, phone = NULL, billing_address = NULL,
    primary_payment_source_id = NULL
FROM public.customer AS c
JOIN public.data_deletion_request AS d ON d.customer_id = c.id AND d.status = 'completed'
WHERE c.deleted_at IS NOT NULL
    AND b.id IN (c.chargebee_customer_id, c.id::text)
    AND (
        coalesce(b.email, b.first_name, b.last_name, b.phone, b.primary_payment_source_id) IS NOT NULL
        OR b.billing_address IS NOT NULL
    );
