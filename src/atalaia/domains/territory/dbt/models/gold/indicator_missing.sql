{{ config(unique_key=['territory_id', 'indicator_code', 'reference_period']) }}
-- Holes a reader would ask about, each with its reason and whose it is.
{% set year_now, months = var('excess_year'), var('excess_months') | length %}
{% set months_needed = months * (var('excess_base_years') | length + 1) %}
with places as (
    select territory_id, name, uf, first_year, last_year from {{ ref('municipality') }}
    union all
    select territory_id, name, uf, 0, 9999 from {{ source('silver', 'dim_territory') }}
    where level in ('state', 'country')
),

deaths_loaded as (
    select exists (select from {{ ref('deaths_month') }}) as yes
),

reported as (
    select
        case when grouping(territory_id) = 0 then territory_id else state_id end as territory_id,
        year,
        count(distinct month) as months
    from {{ ref('deaths_month') }}
    group by grouping sets ((territory_id, year), (state_id, year))
),

annual as (
    select
        place.territory_id,
        'deaths_total' as indicator_code,
        years.year as reference_period,
        coalesce(
            fault.reason || ' Sem esse mês não há total do ano.',
            'Informou ' || months || ' dos 12 meses de ' || years.year
            || '; um ano com meses em falta não tem total.',
            'Nenhum cartório daqui informou óbitos de ' || years.year || '.'
        ) as reason,
        (case when fault.reason is null then 'not_published' else 'source_failed' end)::ops.verdict
            as verdict
    from places as place
    join unnest(array[{{ quoted(var('deaths_closed_years')) }}]) as years (year)
        on years.year::int between place.first_year and place.last_year
    left join reported
        on reported.territory_id = place.territory_id and reported.year = years.year
    left join {{ ref('source_fault') }} as fault
        on fault.uf = place.uf and left(fault.reference_period, 4) = years.year
    where not exists (
        select from {{ ref('deaths_annual') }} as annual
        where annual.territory_id = place.territory_id and annual.reference_period = years.year
    )
),

unfinished as (
    select
        territory_id, 'deaths_total', '{{ year_now }}',
        'O arquivo vai até maio de {{ year_now }}, e maio está incompleto: não há total do ano.',
        'not_published'::ops.verdict
    from places
),

faulty_month as (
    select place.territory_id, fault.indicator_code, fault.reference_period, fault.reason,
        'source_failed'::ops.verdict
    from {{ ref('source_fault') }} as fault
    join places as place using (uf)
    where not exists (
        select from {{ ref('deaths_month') }} as month
        where month.territory_id = place.territory_id
            and month.reference_period = fault.reference_period
    )
),

excess_months as (
    select territory_id, count(distinct reference_period) as reported
    from {{ ref('deaths_month') }}
    where
        month in ({{ quoted(var('excess_months')) }})
        and year in ({{ quoted(var('excess_base_years') + [year_now]) }})
    group by territory_id
),

excess as (
    select
        place.territory_id, 'deaths_excess_jan_apr', '{{ year_now }}',
        coalesce(
            fault.reason || ' A comparação precisa desse mês.',
            case when length(place.territory_id) = 7 then
                'Informou ' || coalesce(reported, 0) || ' dos {{ months_needed }} meses necessários '
                || '(janeiro a abril, {{ var("excess_base_years") | first }} a {{ year_now }}).'
            else
                'Nenhum município daqui informou janeiro a abril em todos os anos, de '
                || '{{ var("excess_base_years") | first }} a {{ year_now }}.'
            end
        ),
        (case when fault.reason is null then 'not_published' else 'source_failed' end)::ops.verdict
    from places as place
    left join excess_months using (territory_id)
    left join {{ ref('source_fault') }} as fault
        on fault.uf = place.uf and right(fault.reference_period, 2) in ({{ quoted(var('excess_months')) }})
    where not exists (
        select from {{ ref('deaths_excess_jan_apr') }} as excess
        where excess.territory_id = place.territory_id
    )
),

without_mesh as (
    select
        territory_id, 'area_km2', newest.mesh_year::text,
        'Sem malha: instalado depois de ' || newest.mesh_year
        || ', o ano da malha disponível. Sua área ainda está na dos municípios de origem.',
        'not_published'::ops.verdict
    from {{ ref('municipality') }}
    cross join (
        select max(mesh_year) as mesh_year from {{ source('silver', 'dim_territory_geometry') }}
    ) as newest
    where not has_mesh and newest.mesh_year is not null
)

{% for holes in ['annual', 'unfinished', 'faulty_month', 'excess'] %}
select {{ holes }}.* from {{ holes }} cross join deaths_loaded where deaths_loaded.yes
union all
{% endfor %}
select * from without_mesh
