-- Two rows for one key would stop the load into gold; here they are named before.
select indicator_code, reference_period, territory_id, source, dataset, category, count(*) as rows
from {{ ref('derived') }}
group by indicator_code, reference_period, territory_id, source, dataset, category
having count(*) > 1
