-- Municipalities, the two lagoons left out, with their state and the years in which they existed.
select
    municipality.territory_id,
    municipality.name,
    municipality.parent_id as state_id,
    state.name as state_name,
    municipality.uf,
    coalesce(extract(year from municipality.valid_from)::int, 0) as first_year,
    coalesce(extract(year from municipality.valid_to - 1)::int, 9999) as last_year,
    municipality.geometry is not null as has_mesh
from {{ source('silver', 'dim_territory') }} as municipality
join {{ source('silver', 'dim_territory') }} as state on state.territory_id = municipality.parent_id
where municipality.level = 'municipality' and municipality.kind = 'land'
