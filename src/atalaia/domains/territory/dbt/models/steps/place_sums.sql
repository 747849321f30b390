-- States and country as the sum of their municipalities, for indicators whose entry in
-- indicators.yml has a sum_rule. `reported`: what stands in the register, all of it (a municipality
-- without a row has none there). `complete`: only when every municipality has a value.
with parts as (
    select
        fact.*,
        place.state_id,
        catalogue.sum_rule,
        run_order.place as run_place
    from {{ source('silver', 'fact_indicator') }} as fact
    join {{ source('gold_catalogue', 'indicator_catalogue') }} as catalogue using (indicator_code)
    join {{ ref('municipality') }} as place using (territory_id)
    join {{ ref('run_order') }} as run_order using (run_id)
    where catalogue.sum_rule is not null
),

summed as (
    select
        case when grouping(state_id) = 0 then state_id else 'BR' end as territory_id,
        indicator_code, reference_period, source, dataset, category, unit, sum_rule,
        sum(value) as value,
        count(value) as reported,
        max(run_place) as run_place
    from parts
    group by grouping sets (
        (state_id, indicator_code, reference_period, source, dataset, category, unit, sum_rule),
        (indicator_code, reference_period, source, dataset, category, unit, sum_rule)
    )
    having count(value) > 0
),

existing as (
    select
        case when grouping(state_id) = 0 then state_id else 'BR' end as territory_id,
        year,
        count(*) as municipalities
    from {{ ref('municipality') }}
    join (select distinct left(reference_period, 4) as year from parts) as years
        on year::int between first_year and last_year
    group by grouping sets ((state_id, year), (year))
)

select
    summed.territory_id, indicator_code, reference_period, source, dataset, category, value, unit,
    null::numeric as baseline,
    case when sum_rule = 'complete' then least(reported::numeric / municipalities, 1) end as coverage,
    null::text as note,
    'place_sums' as method,
    run_id
from summed
join existing on existing.territory_id = summed.territory_id
    and existing.year = left(reference_period, 4)
join {{ ref('run_order') }} as run_order on run_order.place = run_place
where sum_rule = 'reported' or reported >= municipalities
