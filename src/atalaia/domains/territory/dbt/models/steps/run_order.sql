-- Runs that wrote something we derive from, oldest first: a derived row names the newest of its inputs.
with writers as (
    select distinct run_id from {{ source('silver', 'fact_indicator') }}
    union
    select distinct run_id from {{ source('silver', 'dim_territory_geometry') }}
)

select run_id, row_number() over (order by started_at_utc nulls first, run_id) as place
from writers
left join {{ source('ops', 'pipeline_runs') }} using (run_id)
