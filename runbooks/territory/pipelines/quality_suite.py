"""`python -m pipelines.quality_suite --reference-period 2025`."""

from pipelines import command, function

run = function("quality_suite")

if __name__ == "__main__":
    command("quality_suite")
