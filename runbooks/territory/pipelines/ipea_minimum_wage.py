"""`python -m pipelines.ipea_minimum_wage --reference-period PERÍODO`."""

from pipelines import command, function

run = function("ipea_minimum_wage")

if __name__ == "__main__":
    command("ipea_minimum_wage")
