-- How often a tenant may ask for what is counted by tenant: {"equivalence.evaluate": 120}, a minute. What
-- is not named here has the limit its route says.
ALTER TABLE tenants ADD COLUMN quotas jsonb NOT NULL DEFAULT '{}'
    CONSTRAINT quotas_are_named CHECK (jsonb_typeof(quotas) = 'object');
