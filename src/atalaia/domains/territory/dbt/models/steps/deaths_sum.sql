-- Deaths by state and country, month by month: what was reported there, with the share of the
-- municipalities that reported. Not comparable over time: coverage grows.
with existing as (
    select
        case when grouping(state_id) = 1 then 'BR' else state_id end as territory_id,
        year,
        count(*) as municipalities
    from {{ ref('municipality') }}
    join (select distinct year from {{ ref('deaths_month') }}) as years
        on year::int between first_year and last_year
    group by grouping sets ((state_id, year), (year))
),

states as (
    select
        state_id as territory_id, reference_period, year, source, dataset, unit,
        sum(value) as value,
        count(*) as reported,
        max(run_place) as run_place
    from {{ ref('deaths_month') }}
    group by state_id, reference_period, year, source, dataset, unit
),

country as (
    select
        'BR' as territory_id, reference_period, year, source, dataset, unit,
        sum(value) as value,
        sum(reported) as reported,
        max(run_place) as run_place,
        (
            select string_agg(distinct state_name, ', ' order by state_name)
            from {{ ref('municipality') }}
            where state_id <> all (array_agg(states.territory_id))
        ) as absent
    from states
    group by reference_period, year, source, dataset, unit
),

summed as (
    select *, null::text as absent from states
    union all
    select * from country
)

select
    territory_id,
    'deaths_total' as indicator_code,
    reference_period,
    source,
    dataset,
    '' as category,
    value,
    unit,
    null::numeric as baseline,
    least(reported / municipalities::numeric, 1) as coverage,
    nullif(concat_ws(
        ' ',
        'Sem ' || absent || '.',
        case when reported < {{ var('low_coverage') }} * municipalities then
            'Municípios que informaram: ' || {{ count_pt('reported') }}
            || ' de ' || {{ count_pt('municipalities') }} || '.' end
    ), '') as note,
    'deaths_sum' as method,
    run_id,
    year,
    reported,
    municipalities,
    absent
from summed
join existing using (territory_id, year)
join {{ ref('run_order') }} as run_order on run_order.place = run_place
