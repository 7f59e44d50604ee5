-- chargebee.contract: the contracts, for clients that know them by a text id.
-- A view with WITH at its top is never updatable (CREATE VIEW, "Updatable Views"), and this one costs nothing: the
-- planner folds the query in, and contract_id_text_idx serves the look-up by id.
CREATE VIEW chargebee.contract
    WITH (security_invoker = true)
    AS
    WITH contract AS NOT MATERIALIZED (
        SELECT * FROM public.contract
    )
    SELECT
        contract.id::text AS id,
        contract.customer_id,
        contract.subscription_id,
        contract.treatment_id,
        contract.status,
        contract.start_date,
        contract.end_date,
        contract.auto_renew,
        contract.renewed_from_id::text AS renewed_from_id,
        contract.created_at,
        contract.updated_at
    FROM contract;

COMMENT ON VIEW chargebee.contract IS
    'Read-only view of the contracts, for clients that know them by a text id beside their subscription.';
COMMENT ON COLUMN chargebee.contract.id IS 'The contract''s id as text.';
