-- Deaths registered from January to April of one year against the mean of the same months of the
-- years before, in percent. Only where every one of the months was reported in every one of the
-- years; the sums of states and country run over exactly those municipalities, never over all rows:
-- coverage grew, and all rows together would turn new registries into deaths.
{% set months_needed = var('excess_months') | length * (var('excess_base_years') | length + 1) %}
{% set base_years = var('excess_base_years') | length %}
with windows as (
    select *, year = '{{ var("excess_year") }}' as is_now
    from {{ ref('deaths_month') }}
    where
        month in ({{ quoted(var('excess_months')) }})
        and year in ({{ quoted(var('excess_base_years') + [var('excess_year')]) }})
),

complete as (
    select
        territory_id, state_id, uf, source, dataset,
        sum(value) filter (where is_now) as deaths_now,
        sum(value) filter (where not is_now) / {{ base_years }}::numeric as baseline,
        max(run_place) as run_place
    from windows
    group by territory_id, state_id, uf, source, dataset
    having count(distinct reference_period) = {{ months_needed }}
),

summed as (
    select
        case
            when grouping(territory_id) = 0 then territory_id
            when grouping(state_id) = 0 then state_id
            else 'BR'
        end as territory_id,
        min(uf) as uf,
        source, dataset,
        count(*) as municipalities,
        sum(deaths_now) as deaths_now,
        sum(baseline) as baseline,
        sum(deaths_now) filter (where uf <> 'RJ') as deaths_now_without_rj,
        sum(baseline) filter (where uf <> 'RJ') as baseline_without_rj,
        max(run_place) as run_place
    from complete
    group by grouping sets (
        (territory_id, source, dataset), (state_id, source, dataset), (source, dataset)
    )
),

existing as (
    select
        case
            when grouping(territory_id) = 0 then territory_id
            when grouping(state_id) = 0 then state_id
            else 'BR'
        end as territory_id,
        count(*) as all_municipalities
    from {{ ref('municipality') }}
    where {{ var('excess_year') }} between first_year and last_year
    group by grouping sets ((territory_id), (state_id), ())
),

reported_now as (
    select
        case when grouping(state_id) = 0 then state_id else 'BR' end as territory_id,
        source, dataset,
        sum(value) as deaths
    from windows
    where is_now
    group by grouping sets ((state_id, source, dataset), (source, dataset))
)

select
    territory_id,
    'deaths_excess_jan_apr' as indicator_code,
    '{{ var("excess_year") }}' as reference_period,
    source,
    dataset,
    '' as category,
    round(100 * (deaths_now / baseline - 1), 4) as value,
    '%' as unit,
    round(baseline, 4) as baseline,
    least(municipalities::numeric / all_municipalities, 1) as coverage,
    nullif(concat_ws(
        ' ',
        case when length(territory_id) < 7 then
            'Municípios que informaram janeiro a abril nos seis anos: '
            || {{ count_pt('municipalities') }} || ' de ' || {{ count_pt('all_municipalities') }}
            || ', com ' || round(100 * deaths_now / deaths)
            || ' % dos óbitos registrados nesses meses de {{ var("excess_year") }}.' end,
        case when territory_id = 'BR' and baseline_without_rj < baseline then
            'Sem o Rio de Janeiro, cujos registros de 2016 a 2018 estão inflados na fonte, a mesma '
            || 'conta dá '
            || {{ signed_pt('100 * (deaths_now_without_rj / baseline_without_rj - 1)') }} || ' %.' end,
        case when territory_id <> 'BR' and uf = 'RJ' then
            'Os registros do Rio de Janeiro de 2016 a 2018 estão inflados na fonte, sem explicação: '
            || 'a comparação sai baixa demais.' end,
        case when length(territory_id) = 7 and baseline < {{ var('small_baseline') }} then
            'Média de menos de {{ var("small_baseline") }} óbitos nesses meses: poucos casos mudam '
            || 'muito a porcentagem.' end
    ), '') as note,
    'deaths_excess_jan_apr' as method,
    run_id
from summed
join existing using (territory_id)
left join reported_now using (territory_id, source, dataset)
join {{ ref('run_order') }} as run_order on run_order.place = run_place
