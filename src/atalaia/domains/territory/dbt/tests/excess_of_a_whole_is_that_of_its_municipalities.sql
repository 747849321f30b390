-- State and country: the ratio of the sums over exactly the municipalities that have a value; and
-- so never the naive ratio over all rows, which is far from it as coverage grew.
with municipalities as (
    select
        left(territory_id, 2) as state_id, source, dataset,
        baseline, baseline * (1 + value / 100) as deaths_now
    from {{ ref('deaths_excess_jan_apr') }}
    where length(territory_id) = 7
),

wholes as (
    select
        case when grouping(state_id) = 0 then state_id else 'BR' end as territory_id,
        source, dataset,
        100 * (sum(deaths_now) / sum(baseline) - 1) as value
    from municipalities
    group by grouping sets ((state_id, source, dataset), (source, dataset))
)

select excess.territory_id, excess.value, wholes.value as expected
from {{ ref('deaths_excess_jan_apr') }} as excess
full join wholes using (territory_id, source, dataset)
where coalesce(length(excess.territory_id), 0) < 7
    and (excess.value is null or wholes.value is null or abs(excess.value - wholes.value) > 0.01)
