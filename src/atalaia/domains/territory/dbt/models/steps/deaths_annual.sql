-- Deaths by year, only of years that were settled, and only where all twelve months are there: a
-- year with a hole in it is not a smaller year. In space the rule is softer: a state adds up what
-- its municipalities reported, with the share of municipality-months that did.
with municipalities as (
    select
        territory_id, year, source, dataset, unit,
        sum(value) as value,
        1 as coverage,
        null::text as note,
        max(run_place) as run_place
    from {{ ref('deaths_month') }}
    group by territory_id, year, source, dataset, unit
    having count(*) = 12
),

wholes as (
    select
        territory_id, year, source, dataset, unit,
        sum(value) as value,
        sum(reported) / sum(municipalities) as coverage,
        nullif(concat_ws(
            ' ',
            'Sem ' || string_agg(
                absent || ' em ' || {{ month_pt('reference_period') }},
                '; ' order by reference_period
            ) || '.',
            case when sum(reported) < {{ var('low_coverage') }} * sum(municipalities) then
                'Só ' || replace(round(100 * sum(reported) / sum(municipalities), 1)::text, '.', ',')
                || ' % dos meses dos municípios foram informados.' end
        ), '') as note,
        max(place) as run_place
    from {{ ref('deaths_sum') }}
    join {{ ref('run_order') }} using (run_id)
    group by territory_id, year, source, dataset, unit
    having count(*) = 12
),

summed as (
    select * from municipalities
    union all
    select * from wholes
)

select
    territory_id,
    'deaths_total' as indicator_code,
    year as reference_period,
    source,
    dataset,
    '' as category,
    value,
    unit,
    null::numeric as baseline,
    coverage::numeric as coverage,
    note,
    'deaths_annual' as method,
    run_id
from summed
join {{ ref('run_order') }} as run_order on run_order.place = run_place
where year in ({{ quoted(var('deaths_closed_years')) }})
