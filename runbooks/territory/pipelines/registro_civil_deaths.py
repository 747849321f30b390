"""`python -m pipelines.registro_civil_deaths --reference-period PERÍODO`."""

from pipelines import command, function

run = function("registro_civil_deaths")

if __name__ == "__main__":
    command("registro_civil_deaths")
