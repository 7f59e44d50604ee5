DROP TRIGGER begin_once ON public.contract;
DROP FUNCTION public.begin_once();
