DROP TRIGGER start_once ON public.contract;
DROP FUNCTION public.begin_once();
