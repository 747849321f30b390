-- Remove o que ninguém mais precisa (minutos de disponibilidade com mais de 400 dias, envios que não deram em
-- arquivo), e nenhuma linha de negócio.
\set ON_ERROR_STOP on
SELECT * FROM etl.deep_cleanup();
