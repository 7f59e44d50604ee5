-- Judged before the event is queued, so that history costs nothing. As `python -m triggers.ddl` printed it when this
-- revision was written.
CREATE OR REPLACE TRIGGER record_insert AFTER INSERT ON chargebee.invoice
FOR EACH ROW
WHEN (NEW.history_by IS NULL)
EXECUTE FUNCTION events.record_chargebee_invoice();
