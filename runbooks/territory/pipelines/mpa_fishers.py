"""`python -m pipelines.mpa_fishers --reference-period PERÍODO`."""

from pipelines import command, function

run = function("mpa_fishers")

if __name__ == "__main__":
    command("mpa_fishers")
