-- A reason for a missing number beside the number itself: one of the two is wrong.
select missing.territory_id, missing.indicator_code, missing.reference_period
from {{ ref('indicator_missing') }} as missing
where exists (
    select from {{ ref('indicator_derived') }} as derived
    where derived.territory_id = missing.territory_id
        and derived.indicator_code = missing.indicator_code
        and derived.reference_period = missing.reference_period
)
