#!/usr/bin/env python3
"""Runs this project and its Python peers in alternation and writes one table of ratios.

Needs an environment with torch, numpy and scikit-learn:

    python3 -m venv peers && peers/bin/pip install torch numpy scikit-learn
    peers/bin/python bench-results/peers/compare.py

Nothing else should run meanwhile. With `--quick` it only shows that all parts work.
"""

import argparse
import csv
import datetime
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# Ours, the peer's, the goal of the ratio (None: no goal), on how many cores it counts.
CASES = [
    ("critic/bilinear/128", "critic/bilinear/128", 3),
    ("critic/separable/128", "critic/separable/128", 3),
    ("critic/concat/128", "critic/concat-rows/128", 60),
    ("critic/concat/128", "critic/concat-split/128", 10),
    ("critic/concat/512", "critic/concat-rows/512", 60),
    ("critic/concat/512", "critic/concat-split/512", 10),
    ("critic/concat/1024", "critic/concat-split/1024", None),
    ("critic/bilinear/2048", "critic/bilinear/2048", None),
    ("critic/bilinear/16384", "critic/bilinear/16384", 4),
    ("train/mlp/bilinear", "train/mlp/bilinear", 2),
    ("train/mlp/separable", "train/mlp/separable", None),
    ("train/mlp/concat", "train/mlp/concat", 15),
    ("train/convnet/bilinear", "train/convnet/bilinear", 1.2),
    ("train/realnvp/bilinear", "train/realnvp/bilinear", 2),
    ("train/dim-local/nce", "train/dim-local/nce", 2),
    ("train/cpc/other", "train/cpc/other", 2),
    ("probe/saga/100", "probe/saga/100", 3),
]
PEAK = "sgemm/1024"

COLUMNS = [
    "cores",
    "ours",
    "peer",
    "our_ms",
    "peer_ms",
    "ratio",
    "ratio_low",
    "ratio_high",
    "goal",
    "our_layout",
    "peer_layout",
    "our_share_of_sgemm",
    "our_extra_mib",
    "peer_extra_mib",
    "our_accuracy",
    "peer_accuracy",
]


def main():
    options = arguments()
    program = build()
    with tempfile.TemporaryDirectory() as folder:
        probe = pathlib.Path(folder) / "probe.f32"
        write_probe(probe)
        runner = Runner(program, probe, 0.2 if options.quick else options.seconds)
        rounds = 1 if options.quick else options.rounds
        rows = []
        for cores in options.cores:
            # The best product of the run: what the shares are of.
            peaks = [runner.ours(PEAK, cores) for _ in range(rounds)]
            rate = max(one["gflop"] / one["ms"] * 1e3 for one in peaks)
            say(f"{cores} cores: sgemm at {rate:.0f} GFLOP/s")
            for ours, peer, goal in CASES:
                if options.only in ours or options.only in peer:
                    rows.append(compare(runner, cores, (ours, peer, goal), rounds, rate))
    if not rows:
        sys.exit(f"no case contains `{options.only}`; there are: {', '.join(c[1] for c in CASES)}")
    table = markdown(rows)
    print(table)
    if not options.quick:
        write(rows, table, options)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    every = list(range(1, min(2, os.cpu_count() or 1) + 1))
    parser.add_argument("--cores", type=int, nargs="+", default=every, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases that contain this")
    parser.add_argument("--quick", action="store_true", help="a moment each, no file")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "tables", metavar="FOLDER")
    return parser.parse_args()


def say(text):
    print(text, file=sys.stderr, flush=True)


def build():
    """The Rust side: an example of mi-paper."""
    return built(["--package", "mi-paper", "--example", "peer_timings"], "peer_timings")


def built(what, name):
    """Builds a target of the workspace; the path of its executable."""
    cargo = os.environ.get("CARGO", "cargo")
    command = [cargo, "build", "--release", *what]
    command += ["--message-format", "json-render-diagnostics"]
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    found = [m["executable"] for m in messages if m.get("target", {}).get("name") == name]
    return found[-1]


def write_probe(path, rows=60_000, dim=100, classes=10):
    """Features scaled to [0, 1] by column, each row followed by its class, as 32-bit floats."""
    import numpy

    random = numpy.random.default_rng(1)
    centres = random.normal(size=(classes, dim))
    labels = random.integers(0, classes, rows)
    features = 0.25 * centres[labels] + random.normal(size=(rows, dim))
    low, high = features.min(axis=0), features.max(axis=0)
    table = numpy.column_stack(((features - low) / (high - low), labels))
    table.astype("<f4").tofile(path)


class Runner:
    """Starts one measurement as processes of its own, so no side warms up the other."""

    def __init__(self, program, probe, seconds):
        self.program, self.probe, self.seconds = program, probe, seconds

    def ours(self, case, cores):
        command = [self.program, case, str(self.seconds)]
        return self.best(case, cores, lambda threads: (command, threads))

    def peer(self, case, cores):
        def command(threads):
            script = [sys.executable, str(HERE / "torch_cases.py"), case]
            return [*script, str(self.seconds), str(threads)], threads

        return self.best(case, cores, command)

    def best(self, case, cores, command):
        """Training steps count for the whole machine: the better of one process with all cores
        and one process a core. All else is one process."""
        layouts = [(1, cores)]
        if cores > 1 and case.startswith(("train/", "sgemm/")):
            layouts.append((cores, 1))
        results = [self.run(processes, *command(threads)) for processes, threads in layouts]
        return min(results, key=lambda one: one["ms"])

    def run(self, processes, command, threads):
        environment = dict(os.environ, PEER_PROBE=str(self.probe))
        for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = str(threads)
        # Settings that force an old kernel of OpenBLAS would flatter us.
        for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            environment.pop(name, None)

        def start(index):
            # One core means one core, also for threads that a library starts on its own.
            first = index * threads
            pin = lambda: pin_to(range(first, first + threads))  # noqa: E731
            return subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=pin
            )

        started = [start(index) for index in range(processes)]
        outputs = [process.communicate()[0] for process in started]
        if any(process.returncode for process in started):
            sys.exit(f"failed: {' '.join(command)}")
        rows = [next(csv.reader([text.strip().splitlines()[-1]])) for text in outputs]
        each = [float(row[2]) for row in rows]
        return {
            # Milliseconds a step of the whole machine: rates add up.
            "ms": 1 / sum(1 / one for one in each),
            "extra_mib": sum(float(row[4]) for row in rows),
            "gflop": float(rows[0][5]),
            "accuracy": rows[0][6],
            "layout": f"{processes}×{threads}",
        }


def pin_to(cores):
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[core % len(allowed)] for core in cores})


def compare(runner, cores, case, rounds, rate):
    """One row: both sides in alternation, the order turned around from round to round."""
    ours, peer, goal = case
    our_runs, peer_runs = [], []
    for number in range(rounds):
        say(f"round {number + 1}: {ours} / {peer}")
        sides = [(our_runs, runner.ours, ours), (peer_runs, runner.peer, peer)]
        for runs, run, name in sides if number % 2 == 0 else reversed(sides):
            runs.append(run(name, cores))
    ratios = [p["ms"] / o["ms"] for o, p in zip(our_runs, peer_runs)]
    median = lambda runs, key: statistics.median(one[key] for one in runs)  # noqa: E731
    our_ms, gflop = median(our_runs, "ms"), our_runs[0]["gflop"]
    return {
        "cores": cores,
        "ours": ours,
        "peer": peer,
        "our_ms": our_ms,
        "peer_ms": median(peer_runs, "ms"),
        "ratio": statistics.median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "goal": goal,
        "our_layout": our_runs[-1]["layout"],
        "peer_layout": peer_runs[-1]["layout"],
        "our_share_of_sgemm": gflop / our_ms * 1e3 / rate if gflop else None,
        "our_extra_mib": median(our_runs, "extra_mib"),
        "peer_extra_mib": median(peer_runs, "extra_mib"),
        "our_accuracy": our_runs[-1]["accuracy"],
        "peer_accuracy": peer_runs[-1]["accuracy"],
    }


def shown(row):
    share = row["our_share_of_sgemm"]
    accuracy = f"{row['our_accuracy']} / {row['peer_accuracy']}" if row["our_accuracy"] else ""
    memory = [f"{row[side]:.0f}" for side in ("our_extra_mib", "peer_extra_mib")]
    goal = row["goal"]
    met = "" if goal is None else (" met" if row["ratio"] >= goal else " missed")
    return [
        str(row["cores"]),
        row["peer"],
        f"{digits(row['our_ms'])} ({row['our_layout']})",
        f"{digits(row['peer_ms'])} ({row['peer_layout']})",
        f"{digits(row['ratio'])} ({digits(row['ratio_low'])} – {digits(row['ratio_high'])})",
        "" if goal is None else f"{goal}{met}",
        "" if share is None else f"{100 * share:.0f} %",
        " / ".join(memory),
        accuracy,
    ]


def digits(value):
    """Three significant digits without an exponent."""
    decimals = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{decimals}f}"


def markdown(rows):
    head = [
        "cores",
        "case",
        "ours, ms (processes×threads)",
        "peer, ms",
        "peer / ours (range)",
        "goal",
        "share of sgemm",
        "extra MiB, ours / peer",
        "accuracy, ours / peer",
    ]
    lines = [head, ["---"] * len(head), *(shown(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(rows, table, options):
    """The table for readers and the numbers behind it; neither is ever overwritten."""
    from importlib.metadata import version

    date = datetime.datetime.now(datetime.timezone.utc)
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "scikit-learn", "numpy"))
    stem = f"{date:%Y-%m-%dT%H%M%SZ}-{commit()}-{os.getpid()}"
    head = (
        f"{date:%Y-%m-%d %H:%M:%S} UTC, commit {commit()}, {processor()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {versions}. "
        f"Ratios are medians over {options.rounds} alternating rounds of {options.seconds} s a "
        "side, with their range. Times are medians.\n\n"
    )
    write_files(options.out / stem, head + table, COLUMNS, rows)


def write_files(stem, text, columns, rows):
    """A table to read and one to compute with; never over an older one."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{stem}.md", "x") as file:
        file.write(text + "\n")
    with open(f"{stem}.csv", "x", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    say(f"written: {stem}.md and .csv")


def commit():
    command = ["git", "describe", "--always", "--dirty", "--abbrev=8"]
    found = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return found.stdout.strip() or "unknown"


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":", 1)[1].strip() for line in file if "model name" in line]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or "unknown processor"


if __name__ == "__main__":
    main()
