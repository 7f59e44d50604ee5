-- chargebee.keep_newest_version: an older version never overwrites a newer one.
-- Whoever writes need not ask first: an upsert of an older version, or of the same one once more, changes no row and
-- fires no other trigger, and `affected_rows` leaves it out. The same version with other content is written: that is a
-- copy being put right.
CREATE OR REPLACE FUNCTION chargebee.keep_newest_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $body$
BEGIN
    IF NEW.resource_version < OLD.resource_version THEN
        RETURN NULL;
    END IF;
    -- When this copy was written makes no difference; what it says does.
    NEW.synced_at := OLD.synced_at;
    IF NEW IS NOT DISTINCT FROM OLD THEN
        RETURN NULL;
    END IF;
    NEW.synced_at := pg_catalog.now();
    RETURN NEW;
END
$body$;


-- chargebee.retire_line_items: lines that an invoice has no longer are marked deleted, with the invoice's version.
-- An invoice comes with all of its lines, so a line of an older version than its invoice is one that the newer version
-- left out. That can come to light from both sides: the invoice gets newer, or an old version of it comes late and
-- brings a line that isn't here.
CREATE OR REPLACE FUNCTION chargebee.retire_line_items() RETURNS trigger
    LANGUAGE plpgsql
    AS $body$
BEGIN
    IF TG_TABLE_NAME = 'invoice' THEN
        UPDATE chargebee.invoice_line_item AS line
        SET deleted = true,
            updated_at = changed.updated_at,
            resource_version = changed.resource_version
        FROM changed
        WHERE line.invoice_id = changed.id
            AND line.resource_version < changed.resource_version;
    ELSE
        UPDATE chargebee.invoice_line_item AS line
        SET deleted = true,
            updated_at = invoice.updated_at,
            resource_version = invoice.resource_version
        FROM changed
        JOIN chargebee.invoice AS invoice
            ON invoice.id = changed.invoice_id
            AND invoice.resource_version > changed.resource_version
        WHERE line.id = changed.id;
    END IF;
    RETURN NULL;
END
$body$;

CREATE TRIGGER retire_line_items AFTER INSERT ON chargebee.invoice_line_item
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION chargebee.retire_line_items();
