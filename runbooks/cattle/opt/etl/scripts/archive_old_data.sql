-- Arquiva o que foi carregado há mais de 90 dias: etl_file → etl_file_archive, com a sua história.
-- Ou tudo, ou nada; de novo, não há o que mover. O que ainda espera alguém fica.
\set ON_ERROR_STOP on
SELECT * FROM etl.archive_old_data(interval '90 days');
