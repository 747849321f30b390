-- Area of the newest mesh, on the ellipsoid, in km². It is the area of a drawing at the mesh's
-- scale, not the official one. Water that is nobody's (the two lagoons) is in no sum.
with newest as (
    select distinct on (geometry.territory_id)
        geometry.territory_id,
        place.state_id,
        geometry.mesh_year,
        geometry.source,
        geometry.dataset,
        ST_Area(geometry.geometry::geography) / 1e6 as km2,
        run_order.place as run_place
    from {{ source('silver', 'dim_territory_geometry') }} as geometry
    join {{ ref('municipality') }} as place using (territory_id)
    join {{ ref('run_order') }} as run_order using (run_id)
    order by geometry.territory_id, geometry.mesh_year desc
),

summed as (
    select
        case
            when grouping(territory_id) = 0 then territory_id
            when grouping(state_id) = 0 then state_id
            else 'BR'
        end as territory_id,
        mesh_year, source, dataset,
        sum(km2) as km2,
        count(*) as measured,
        max(run_place) as run_place
    from newest
    group by grouping sets (
        (territory_id, mesh_year, source, dataset),
        (state_id, mesh_year, source, dataset),
        (mesh_year, source, dataset)
    )
),

existing as (
    select
        case
            when grouping(territory_id) = 0 then territory_id
            when grouping(state_id) = 0 then state_id
            else 'BR'
        end as territory_id,
        mesh_year,
        count(*) as municipalities
    from {{ ref('municipality') }}
    join (select distinct mesh_year from newest) as years
        on mesh_year between first_year and last_year
    group by grouping sets ((territory_id, mesh_year), (state_id, mesh_year), (mesh_year))
)

select
    territory_id,
    'area_km2' as indicator_code,
    mesh_year::text as reference_period,
    source,
    dataset,
    '' as category,
    round(km2::numeric, 3) as value,
    'km²' as unit,
    null::numeric as baseline,
    least(measured::numeric / municipalities, 1) as coverage,
    null::text as note,
    'area' as method,
    run_id
from summed
join existing using (territory_id, mesh_year)
join {{ ref('run_order') }} as run_order on run_order.place = run_place
