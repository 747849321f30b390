-- A semana em texto; o mesmo que o job etl_weekly escreve.
\set ON_ERROR_STOP on
\pset tuples_only on
\pset format unaligned
SELECT etl.weekly_report();
