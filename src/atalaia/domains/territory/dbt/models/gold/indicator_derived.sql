{{ config(unique_key=[
    'indicator_code', 'reference_period', 'territory_id', 'source', 'dataset', 'category'
]) }}
-- Every derived value. Where the source itself published one, that one stands and ours does not.
select derived.*
from {{ ref('derived') }} as derived
where not exists (
    select from {{ source('silver', 'fact_indicator') }} as published
    where
        published.indicator_code = derived.indicator_code
        and published.reference_period = derived.reference_period
        and published.territory_id = derived.territory_id
        and published.source = derived.source
        and published.dataset = derived.dataset
        and published.category = derived.category
)
