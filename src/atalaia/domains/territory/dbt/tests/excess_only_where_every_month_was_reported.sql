-- Asked anew from silver, not from our own steps: a value of a municipality must rest on four months
-- of six years, and be what those months give.
with months as (
    select
        territory_id, source, dataset, count(*) as months,
        sum(value) filter (where reference_period like '{{ var("excess_year") }}%') as deaths_now,
        sum(value) filter (where reference_period not like '{{ var("excess_year") }}%') as before
    from {{ source('silver', 'fact_indicator') }}
    where indicator_code = 'deaths_total' and category = '' and value is not null
        and reference_period ~ '^(2015|2016|2017|2018|2019|2020)-0[1-4]$'
    group by territory_id, source, dataset
)

select excess.territory_id, excess.value, months.months
from {{ ref('deaths_excess_jan_apr') }} as excess
left join months using (territory_id, source, dataset)
where length(excess.territory_id) = 7 and (
    months.months is distinct from 24
    or abs(excess.value - 100 * (deaths_now * 5.0 / before - 1)) > 0.001
    or abs(excess.baseline - before / 5.0) > 0.001
)
