-- Every inserted row is an event again.
CREATE OR REPLACE TRIGGER record_insert AFTER INSERT ON chargebee.invoice
FOR EACH ROW
EXECUTE FUNCTION events.record_chargebee_invoice();
