"""`python -m pipelines.ibge_geometries --reference-period 2025`."""

from pipelines import command, function

run = function("ibge_geometries")

if __name__ == "__main__":
    command("ibge_geometries")
