-- All derived values together: what is tested before it may reach gold.
{% for step in ['deaths_sum', 'deaths_annual', 'deaths_excess_jan_apr', 'area', 'place_sums'] %}
select
    territory_id, indicator_code, reference_period, source, dataset, category, value, unit,
    baseline, coverage, note, method, run_id
from {{ ref(step) }}
{{ 'union all' if not loop.last }}
{% endfor %}
