"""`python -m pipelines.funai_villages --reference-period PERÍODO`."""

from pipelines import command, function

run = function("funai_villages")

if __name__ == "__main__":
    command("funai_villages")
