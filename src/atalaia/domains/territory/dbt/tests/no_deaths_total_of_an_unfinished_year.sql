select territory_id, reference_period, value
from {{ ref('derived') }}
where indicator_code = 'deaths_total' and reference_period ~ '^[0-9]{4}$'
    and reference_period not in ({{ quoted(var('deaths_closed_years')) }})
