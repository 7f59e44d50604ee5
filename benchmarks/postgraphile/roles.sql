-- What signed-in customers may do, the way PostGraphile has it: a database role, grants and row level security.
-- The owner of the tables, as whom the other peers connect, is not bound by it.

CREATE ROLE benchmark_customer NOLOGIN;

GRANT USAGE ON SCHEMA public, chargebee TO benchmark_customer;
GRANT SELECT ON public.treatment TO benchmark_customer;
GRANT SELECT, UPDATE ON public.customer TO benchmark_customer;
GRANT SELECT, INSERT ON public.contract TO benchmark_customer;

ALTER TABLE public.customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_customer ON public.customer TO benchmark_customer
    USING (id = current_setting('app.user_id')::uuid AND deleted_at IS NULL);

ALTER TABLE public.contract ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_contract ON public.contract FOR SELECT TO benchmark_customer
    USING (customer_id = current_setting('app.user_id')::uuid);
CREATE POLICY new_contract ON public.contract FOR INSERT TO benchmark_customer
    WITH CHECK (
        customer_id = current_setting('app.user_id')::uuid
        AND subscription_id IS NULL
        AND end_date > created_at
        AND EXISTS (
            SELECT FROM public.treatment WHERE treatment.id = contract.treatment_id AND treatment.active
        )
        AND EXISTS (SELECT FROM public.customer WHERE customer.id = contract.customer_id)
    );
