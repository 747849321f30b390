-- The ground every schema stands on: schemas, extensions, search_path, text folding.

CREATE SCHEMA IF NOT EXISTS bronze;
CREATE SCHEMA IF NOT EXISTS silver;
CREATE SCHEMA IF NOT EXISTS gold;
CREATE SCHEMA IF NOT EXISTS ops;
CREATE SCHEMA IF NOT EXISTS map;
CREATE SCHEMA IF NOT EXISTS etl;
CREATE SCHEMA IF NOT EXISTS equivalence;
CREATE SCHEMA IF NOT EXISTS market;
CREATE SCHEMA IF NOT EXISTS procurement;
CREATE SCHEMA IF NOT EXISTS compat;

CREATE EXTENSION IF NOT EXISTS postgis SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public;

-- The runbooks' SQL names tables without a schema; the database resolves them.
DO $$
BEGIN
    EXECUTE format(
        'ALTER DATABASE %I SET search_path = ops, silver, gold, etl, equivalence, market, procurement, compat, public',
        current_database());
END $$;

-- Folded text: lower case, no accents, punctuation as one space. The same rule as
-- atalaia.kernel.match.text.fold (a test compares both over every municipality name).
-- unaccent() is only STABLE because its dictionary could change; ours is pinned by name.
CREATE OR REPLACE FUNCTION public.fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN trim(regexp_replace(lower(public.unaccent('public.unaccent'::regdictionary, value)),
                           '[^a-z0-9]+', ' ', 'g'));

-- PostgreSQL 13 renamed mean_time; the runbooks still ask for it (X-03).
CREATE OR REPLACE VIEW compat.pg_stat_statements AS
SELECT s.*, s.mean_exec_time AS mean_time, s.total_exec_time AS total_time
FROM public.pg_stat_statements AS s;
