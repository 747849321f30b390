"""`python -m pipelines.ibge_admin --reference-period 2025`."""

from pipelines import command, function

run = function("ibge_admin")

if __name__ == "__main__":
    command("ibge_admin")
