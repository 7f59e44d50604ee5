DROP TRIGGER record_insert ON public.message;
DROP FUNCTION events.record_public_message();
DROP TRIGGER record_insert ON healthcare.prescription;
DROP TRIGGER record_update ON healthcare.prescription;
DROP FUNCTION events.record_healthcare_prescription();
DROP TRIGGER record_insert ON public.customer;
DROP TRIGGER record_update ON public.customer;
DROP FUNCTION events.record_public_customer();
DROP TRIGGER record_insert ON chargebee.invoice;
DROP TRIGGER record_update ON chargebee.invoice;
DROP FUNCTION events.record_chargebee_invoice();
DROP TRIGGER record_insert ON public.contract;
DROP TRIGGER record_update ON public.contract;
DROP FUNCTION events.record_public_contract();
DROP FUNCTION events.replay(uuid[], boolean);
DROP FUNCTION events.publish(text, text, jsonb, uuid, jsonb, text);
ALTER TABLE events.outbox RESET (
    fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor
);
ALTER TABLE events.relay RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
DROP TRIGGER wake_relay ON events.outbox;
DROP FUNCTION events.wake_relay();
