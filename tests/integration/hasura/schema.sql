-- A record shop, as a project that was built with Hasura has it.

CREATE SCHEMA sales;

CREATE TABLE public.genre (value text PRIMARY KEY, comment text);
COMMENT ON TABLE public.genre IS 'What a record may be';
INSERT INTO public.genre VALUES ('JAZZ', 'Improvised'), ('ROCK', NULL), ('folk_music', 'Handed down');

CREATE TABLE sales.order_status (value varchar(20) PRIMARY KEY);
INSERT INTO sales.order_status VALUES ('open'), ('paid'), ('sent');

-- Marked as enums in the metadata, and no enums.
CREATE TABLE public.colour (value text PRIMARY KEY, comment text);
INSERT INTO public.colour VALUES ('light blue', NULL), ('red', NULL);
CREATE TABLE public.shape (value text PRIMARY KEY, corners integer);
INSERT INTO public.shape VALUES ('round', 0);
CREATE TABLE public.nothing_yet (value text PRIMARY KEY);

CREATE TABLE public.artist (
    id serial PRIMARY KEY,
    name text NOT NULL,
    born_in text,
    owner_id text NOT NULL DEFAULT 'nobody'
);
COMMENT ON COLUMN public.artist.name IS 'As on the cover';

CREATE TABLE public.album (
    id serial PRIMARY KEY,
    artist_id integer NOT NULL REFERENCES public.artist ON DELETE CASCADE,
    "Title" text NOT NULL,
    genre text NOT NULL DEFAULT 'ROCK' REFERENCES public.genre,
    second_genre text REFERENCES public.genre,
    colour text REFERENCES public.colour,
    released date,
    price_cents integer NOT NULL DEFAULT 1500,
    UNIQUE (artist_id, "Title")
);

CREATE TABLE public.track (
    album_id integer NOT NULL REFERENCES public.album ON DELETE CASCADE,
    place integer NOT NULL,
    name text NOT NULL,
    seconds integer NOT NULL,
    PRIMARY KEY (album_id, place)
);

-- No foreign key: related by hand, over two columns.
CREATE TABLE public.play (
    id serial PRIMARY KEY,
    album_id integer NOT NULL,
    place integer NOT NULL,
    listener_id text NOT NULL,
    played_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sales.order (
    id serial PRIMARY KEY,
    customer_id text NOT NULL,
    status varchar(20) NOT NULL DEFAULT 'open' REFERENCES sales.order_status,
    album_id integer NOT NULL REFERENCES public.album,
    quantity integer NOT NULL DEFAULT 1,
    note text
);

CREATE TABLE public.untracked (id serial PRIMARY KEY);

CREATE VIEW public.best_seller AS
SELECT album_id, sum(quantity) AS sold FROM sales."order" GROUP BY album_id;

CREATE FUNCTION public.album_length(album_row public.album) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT sum(seconds) FROM public.track WHERE album_id = album_row.id
$$;
CREATE FUNCTION public.artist_albums_since(artist_row public.artist, since date) RETURNS SETOF public.album
LANGUAGE sql STABLE AS $$ SELECT * FROM public.album WHERE artist_id = artist_row.id AND released >= since $$;
CREATE FUNCTION public.album_is_mine(album_row public.album, hasura_session json) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM public.artist
                   WHERE id = album_row.artist_id AND owner_id = hasura_session ->> 'x-hasura-user-id')
$$;
CREATE FUNCTION public.search_albums(search text, hasura_session json) RETURNS SETOF public.album
LANGUAGE sql STABLE AS $$ SELECT * FROM public.album WHERE "Title" ILIKE '%' || search || '%' $$;
CREATE FUNCTION sales.cancel_orders(of_customer text) RETURNS SETOF sales."order"
LANGUAGE sql VOLATILE AS $$ UPDATE sales."order" SET quantity = 0 WHERE customer_id = of_customer RETURNING * $$;
CREATE FUNCTION public.two_ways(a integer) RETURNS SETOF public.album LANGUAGE sql STABLE AS 'SELECT * FROM public.album';
CREATE FUNCTION public.two_ways(a text) RETURNS SETOF public.album LANGUAGE sql STABLE AS 'SELECT * FROM public.album';

INSERT INTO public.artist (id, name, born_in, owner_id) VALUES (1, 'Alba', 'Oslo', 'ann'), (2, 'Bix', NULL, 'bob');
INSERT INTO public.album (id, artist_id, "Title", genre, second_genre, released, price_cents) VALUES
    (1, 1, 'First', 'JAZZ', 'folk_music', '2001-01-01', 1000), (2, 1, 'Second', 'ROCK', NULL, '2005-05-05', 2000),
    (3, 2, 'Third', 'JAZZ', NULL, NULL, 1500);
INSERT INTO public.track VALUES (1, 1, 'One', 100), (1, 2, 'Two', 200), (3, 1, 'Three', 300);
INSERT INTO public.play (album_id, place, listener_id) VALUES (1, 2, 'ann'), (1, 2, 'bob'), (3, 1, 'ann');
INSERT INTO sales.order (id, customer_id, status, album_id, quantity) VALUES
    (1, 'ann', 'open', 1, 2), (2, 'ann', 'paid', 3, 1), (3, 'bob', 'sent', 1, 5);
SELECT setval('public.artist_id_seq', 10), setval('public.album_id_seq', 10), setval('sales.order_id_seq', 10);
