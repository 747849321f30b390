"""`python -m pipelines.dbt_build --reference-period 2025`."""

from pipelines import command, function

run = function("dbt_build")

if __name__ == "__main__":
    command("dbt_build")
