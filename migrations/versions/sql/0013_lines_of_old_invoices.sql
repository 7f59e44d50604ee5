-- Lines of an invoice's old version that come late are found when that version is turned away, not by a look at every
-- line that is inserted: a back-fill inserts hundreds of thousands. So lines are written before their invoice, in the
-- same transaction.

DROP TRIGGER retire_line_items ON chargebee.invoice_line_item;

-- chargebee.keep_newest_version: an older version never overwrites a newer one.
-- Whoever writes need not ask first: an upsert of an older version, or of the same one once more, changes no row and
-- fires no other trigger, and `affected_rows` leaves it out. The same version with other content is written: that is a
-- copy being put right.
CREATE OR REPLACE FUNCTION chargebee.keep_newest_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $body$
BEGIN
    IF NEW.resource_version < OLD.resource_version THEN
        IF TG_TABLE_NAME = 'invoice' THEN
            -- It may have brought a line that the newer version has no longer.
            UPDATE chargebee.invoice_line_item AS line
            SET deleted = true,
                updated_at = OLD.updated_at,
                resource_version = OLD.resource_version
            WHERE line.invoice_id = OLD.id
                AND line.resource_version < OLD.resource_version;
        END IF;
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
-- left out.
CREATE OR REPLACE FUNCTION chargebee.retire_line_items() RETURNS trigger
    LANGUAGE plpgsql
    AS $body$
BEGIN
    UPDATE chargebee.invoice_line_item AS line
    SET deleted = true,
        updated_at = changed.updated_at,
        resource_version = changed.resource_version
    FROM changed
    WHERE line.invoice_id = changed.id
        AND line.resource_version < changed.resource_version;
    RETURN NULL;
END
$body$;
