-- State-months whose rows the source published wrongly, measured in docs/data-bundle.md. The loader
-- puts those rows aside; here they explain the hole.
select uf, reference_period, indicator_code, reason
from (
    values
    (
        'RS', '2019-02', 'deaths_total',
        'Em fevereiro de 2019 a fonte publicou, como do Rio Grande do Sul, os registros do Paraná.'
    ),
    (
        'CE', '2019-04', 'deaths_total',
        'Em abril de 2019 a fonte publicou, como do Ceará, os registros da Bahia.'
    )
) as fault (uf, reference_period, indicator_code, reason)
