#!/usr/bin/env python3
"""The estimators of the benchmark of Czyż et al. (2023), as its package has them, on its own tasks.

    python3.11 -m venv bmi && bmi/bin/pip install benchmark-mi==0.1.3 jax==0.4.20 jaxlib==0.4.20 \\
        'scipy<1.12' 'scikit-learn<1.5'
    bmi/bin/python bench-results/peers/benchmark_mi.py FILE.csv --seeds 1

Every estimate is added to FILE.csv as it is made, and those in it already are not made again. One
core takes about an hour a seed. `--compare RECORD.csv` makes nothing: it prints, beside the mean of
a method of ours in a record of `mi bench`, the mean of the estimator of the same name here.
"""

import argparse
import csv
import math
import os
import pathlib
import statistics

FIELDS = ["benchmark", "rows", "seed", "method", "true_nats", "nats"]

# Estimators here, and what stands for them in a record of `mi bench`.
SAME_NAME = {
    "cca": "gaussian",
    "ksg": "ksg1",
    "infonce": "neural",
    "nwj": "neural:nwj",
    "dv": "neural:dv",
}


def estimators():
    from bmi.estimators import (
        CCAMutualInformationEstimator,
        DonskerVaradhanEstimator,
        InfoNCEEstimator,
        KSGEnsembleFirstEstimator,
        MINEEstimator,
        NWJEstimator,
    )

    return {
        "cca": CCAMutualInformationEstimator,
        "ksg": lambda: KSGEnsembleFirstEstimator(neighborhoods=(10,)),
        "infonce": lambda: InfoNCEEstimator(verbose=False),
        "nwj": lambda: NWJEstimator(verbose=False),
        "dv": lambda: DonskerVaradhanEstimator(verbose=False),
        "mine": lambda: MINEEstimator(verbose=False),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--methods", default="cca,ksg,infonce,nwj,dv,mine")
    parser.add_argument("--compare", type=pathlib.Path, action="append")
    options = parser.parse_args()
    if options.compare:
        compare(options.file, options.compare)
    else:
        make(options)


def make(options):
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    from bmi.benchmark import BENCHMARK_TASKS

    known = estimators()
    there = set()
    if options.file.exists():
        with options.file.open(newline="") as lines:
            there = {key(row) for row in csv.DictReader(lines)}
    else:
        options.file.write_text(",".join(FIELDS) + "\n")
    for seed in range(options.seeds):
        for method in options.methods.split(","):
            for name, task in BENCHMARK_TASKS.items():
                row = {"benchmark": name, "rows": options.rows, "seed": seed, "method": method}
                if key(row) in there:
                    continue
                x, y = task.sample(options.rows, seed)
                value = float(known[method]().estimate(x, y))
                row |= {"true_nats": task.mutual_information, "nats": value}
                with options.file.open("a", newline="") as lines:
                    csv.DictWriter(lines, FIELDS, lineterminator="\n").writerow(row)


def key(row):
    return row["benchmark"], int(row["rows"]), int(row["seed"]), row["method"]


def compare(theirs, ours):
    means = [values([theirs]), values(ours)]
    print("benchmark,method,true,theirs,ours,difference")
    for (benchmark, method), (true, found) in means[0].items():
        own = means[1].get((benchmark, SAME_NAME.get(method)))
        if own is None or math.isnan(found):
            continue
        print(f"{benchmark},{method},{true:.4f},{found:.4f},{own[1]:.4f},{own[1] - found:+.4f}")
    for method in sorted({method for _, method in means[0]}):
        errors = [abs(v - t) for (_, m), (t, v) in means[0].items() if m == method]
        whole = [error for error in errors if not math.isnan(error)]
        print(f"# {method}: mean absolute error {statistics.mean(whole):.4f} over {len(whole)} tasks")


def values(files):
    """True value and mean estimate of each benchmark and method."""
    found = {}
    for file in files:
        with file.open(newline="") as lines:
            for row in csv.DictReader(lines):
                value = float(row["nats"] or "nan")
                place = found.setdefault((row["benchmark"], row["method"]), (row["true_nats"], []))
                place[1].append(value)
    return {name: (float(true), statistics.mean(all_)) for name, (true, all_) in found.items()}


if __name__ == "__main__":
    main()
