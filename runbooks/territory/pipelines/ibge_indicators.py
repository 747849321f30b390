"""`python -m pipelines.ibge_indicators --reference-period 2025`."""

from pipelines import command, function

run = function("ibge_indicators")

if __name__ == "__main__":
    command("ibge_indicators")
