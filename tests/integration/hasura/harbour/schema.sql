-- A harbour: what databases have that were not made for an API.

CREATE TABLE public.pier (name text, no integer, PRIMARY KEY (name, no));

-- Keys that follow their pier's; a constraint that is no use to a conflict clause.
CREATE TABLE public.berth (
    id integer PRIMARY KEY,
    pier_name text NOT NULL,
    pier_no integer NOT NULL,
    code text CONSTRAINT berth_code_key UNIQUE DEFERRABLE,
    FOREIGN KEY (pier_name, pier_no) REFERENCES public.pier ON UPDATE CASCADE
);

CREATE TABLE public.captain (
    id integer PRIMARY KEY,
    name text NOT NULL,
    born_in text,
    ships integer NOT NULL DEFAULT 0
);

CREATE TABLE public.ship (
    id integer PRIMARY KEY,
    name text NOT NULL,
    captain_id integer REFERENCES public.captain,
    afloat boolean NOT NULL DEFAULT true,
    tonnes numeric,
    papers jsonb
);

-- Counts a captain's ships after the fact.
CREATE FUNCTION public.count_ship() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.captain SET ships = ships + 1 WHERE id = NEW.captain_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_ship AFTER INSERT ON public.ship FOR EACH ROW EXECUTE FUNCTION public.count_ship();

CREATE TABLE public.total (result integer);

CREATE FUNCTION public.add_up(integer, integer DEFAULT 10, times integer DEFAULT 1) RETURNS SETOF public.total
LANGUAGE sql STABLE AS $$ SELECT t.* FROM (VALUES (($1 + $2) * times)) t $$;

CREATE FUNCTION public.captain_record(captain_row public.captain, of_year integer) RETURNS jsonb
LANGUAGE sql STABLE AS $$ SELECT jsonb_build_object('name', captain_row.name, 'years', jsonb_build_array(of_year, 0)) $$;

CREATE FUNCTION public.captain_fleet(captain_row public.captain) RETURNS SETOF public.ship
LANGUAGE sql STABLE AS $$ SELECT * FROM public.ship WHERE captain_id = captain_row.id $$;

CREATE FUNCTION public.captain_initial(captain_row public.captain) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT left(captain_row.name, 1) $$;

CREATE FUNCTION public.sink(which integer) RETURNS SETOF public.ship
LANGUAGE sql VOLATILE AS $$ UPDATE public.ship SET afloat = false WHERE id = which RETURNING * $$;

-- What can't be served: a parameter that GraphQL can't spell, and results that are neither values nor rows of tables.
CREATE TABLE public.untracked (id integer);
CREATE TYPE public.position AS (north numeric, east numeric);
CREATE FUNCTION public.ships_by("first letter" text) RETURNS SETOF public.ship
LANGUAGE sql STABLE AS $$ SELECT * FROM public.ship WHERE left(name, 1) = "first letter" $$;
CREATE FUNCTION public.ships_of(session json) RETURNS SETOF public.ship
LANGUAGE sql STABLE AS $$ SELECT * FROM public.ship WHERE captain_id::text = session ->> 'x-hasura-user-id' $$;
CREATE FUNCTION public.captain_untracked(captain_row public.captain) RETURNS SETOF public.untracked
LANGUAGE sql STABLE AS $$ SELECT * FROM public.untracked $$;
CREATE FUNCTION public.captain_position(captain_row public.captain) RETURNS public.position
LANGUAGE sql STABLE AS $$ SELECT (1, captain_row.id)::public.position $$;
CREATE FUNCTION public.captain_numbers(captain_row public.captain) RETURNS SETOF integer
LANGUAGE sql STABLE AS $$ SELECT generate_series(1, captain_row.id) $$;
CREATE FUNCTION public.captain_pair(captain_row public.captain) RETURNS TABLE (a integer, b integer)
LANGUAGE sql STABLE AS $$ SELECT captain_row.id, 1 $$;

INSERT INTO public.pier VALUES ('east', 1), ('west', 1);
INSERT INTO public.berth VALUES (1, 'east', 1, 'E1'), (2, 'east', 1, 'E2'), (3, 'west', 1, 'W1');
INSERT INTO public.captain VALUES (1, 'Ada', 'Rome', 0), (2, 'Bo', NULL, 0), (3, 'Cy', 'Oslo', 0);
INSERT INTO public.ship VALUES (1, 'Alk', 1, true, 10.5), (2, 'Bee', 1, false, 7), (3, 'Cod', 2, true, NULL);
