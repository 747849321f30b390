-- Deaths registered, by municipality and month, as silver has them; what the sums below add up.
select
    fact.territory_id,
    place.state_id,
    place.uf,
    fact.reference_period,
    left(fact.reference_period, 4) as year,
    right(fact.reference_period, 2) as month,
    fact.source,
    fact.dataset,
    fact.unit,
    fact.value,
    run_order.place as run_place
from {{ source('silver', 'fact_indicator') }} as fact
join {{ ref('municipality') }} as place using (territory_id)
join {{ ref('run_order') }} as run_order using (run_id)
where
    fact.indicator_code = 'deaths_total'
    and fact.category = ''
    and fact.reference_period ~ '^[0-9]{4}-[0-9]{2}$'
    and fact.value is not null
