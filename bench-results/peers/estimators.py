#!/usr/bin/env python3
"""Runs this project's estimators and other tools' in alternation and writes one table of ratios.

Needs an environment with the tools to compare with, and OpenBLAS's development files for the
crate `infomeasure` (which links it, though not for the work timed here):

    python3 -m venv peers && peers/bin/pip install scikit-learn ennemi npeet-plus pandas
    peers/bin/python bench-results/peers/estimators.py

The neural estimators of `benchmark-mi` need older releases than the others, so an environment of
their own:

    python3 -m venv older && older/bin/pip install benchmark-mi==0.1.3 'jax==0.4.20' \
        'jaxlib==0.4.20' 'scipy<1.12' 'scikit-learn<1.5'
    older/bin/python bench-results/peers/estimators.py --only neural

Nothing else should run meanwhile. With `--quick` it only shows that all parts work; `--only TEXT`
picks cases. A tool that is not installed is left out, and named.
"""

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

import compare
from compare import HERE, ROOT, digits, processor, say

INFOMEASURE = "0.6.0"

# The case, the other tool, the goal of the ratio (None: no goal), and the cores.
CASES = [
    ("ksg/1+1/10000", "scikit-learn", 5, 1),
    ("ksg/1+1/10000", "ennemi", 5, 1),
    ("ksg/1+1/10000", "infomeasure", 1, 1),
    ("ksg/1+1/100000", "scikit-learn", 5, 1),
    ("ksg/1+1/100000", "ennemi", 5, 1),
    ("ksg/1+1/100000", "infomeasure", 1, 1),
    ("ksg/1+1/1000000", "scikit-learn", 5, 1),
    ("ksg/1+1/1000000", "ennemi", 5, 1),
    ("ksg/1+1/1000000", "infomeasure", 1, 1),
    ("ksg/5+5/10000", "npeet", 3, 1),
    ("ksg/5+5/10000", "infomeasure", 1, 1),
    ("conditional/1+1+1/10000", "ennemi", 3, 1),
    ("conditional/1+1+1/10000", "npeet", None, 1),
    ("conditional/1+1+1/10000", "infomeasure", None, 1),
    ("neural/1+1/10000", "benchmark-mi", 5, 1),
    ("matrix/50x10000", "scikit-learn", 8, 2),
    ("csv/10x1000000", "pandas", None, 1),
    ("csv/10x1000000", "numpy", None, 1),
]

# Peak memory of reading a text table beside the size of its array.
MEMORY_GOAL = 3

# Modules, and the packages they come in, by tool.
TOOLS = {
    "scikit-learn": ("sklearn", "scikit-learn"),
    "ennemi": ("ennemi", "ennemi"),
    "npeet": ("npeet_plus", "npeet-plus"),
    "benchmark-mi": ("bmi", "benchmark-mi"),
    "pandas": ("pandas", "pandas"),
    "numpy": ("numpy", "numpy"),
}

COLUMNS = [
    "case",
    "peer",
    "cores",
    "our_ms",
    "peer_ms",
    "ratio",
    "ratio_low",
    "ratio_high",
    "goal",
    "our_spread",
    "peer_spread",
    "our_mib",
    "peer_mib",
    "our_nats",
    "peer_nats",
]


def main():
    options = arguments()
    cases = [case for case in CASES if options.only in f"{case[0]} {case[1]}"]
    missing = [tool for tool, (module, _) in TOOLS.items() if not importlib.util.find_spec(module)]
    programs = build()
    if any(peer == "infomeasure" for _, peer, *_ in cases):
        programs["infomeasure"] = build_infomeasure()
        if programs["infomeasure"] is None:
            missing.append("infomeasure")
    for tool in missing:
        say(f"left out, for it is not installed: {tool}")
    cases = [case for case in cases if case[1] not in missing]
    if not cases:
        sys.exit("no case is left; see CASES in this file")
    with tempfile.TemporaryDirectory() as folder:
        files = write_data(pathlib.Path(folder), {case for case, *_ in cases})
        seconds = 0.1 if options.quick else options.seconds
        runner = Runner(programs, files, seconds)
        rounds = 1 if options.quick else options.rounds
        rows = [run_case(runner, case, rounds) for case in cases]
    table = markdown(rows)
    print(table)
    if not options.quick:
        write(rows, table, options)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases that contain this")
    parser.add_argument("--quick", action="store_true", help="a moment each, no file")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "tables", metavar="FOLDER")
    return parser.parse_args()


def build():
    """The Rust side: an example of mi-samples, and the command."""
    example = ["--package", "mi-samples", "--example", "neighbours_speed"]
    return {
        "neighbours_speed": compare.built(example, "neighbours_speed"),
        "mi": compare.built(["--package", "mi-cli", "--bin", "mi"], "mi"),
    }


def build_infomeasure():
    """A package of its own below target/, so that this workspace does not depend on it."""
    folder = ROOT / "target" / "peers" / "infomeasure"
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "src" / "main.rs").write_text((HERE / "infomeasure.rs").read_text())
    (folder / "Cargo.toml").write_text(
        f"""[package]
name = "peer"
edition = "2024"
[workspace]
[dependencies]
infomeasure = "={INFOMEASURE}"
ndarray = "0.17"
# Takes the system's library; otherwise the build downloads and compiles one.
openblas-src = {{ version = "0.10", features = ["system"] }}
[profile.release]
lto = "thin"
codegen-units = 4
"""
    )
    cargo = [os.environ.get("CARGO", "cargo")]
    environment = {name: value for name, value in os.environ.items() if name != "CARGO_TARGET_DIR"}
    settings = {"cwd": folder, "env": environment, "stdout": subprocess.PIPE, "text": True}
    # Its open version ranges admit releases that it does not build with; its own lock file,
    # put beside ours, makes cargo prefer the ones that it was made with.
    command = [*cargo, "metadata", "--format-version", "1"]
    found = json.loads(subprocess.run(command, check=True, **settings).stdout)
    manifest = next(p["manifest_path"] for p in found["packages"] if p["name"] == "infomeasure")
    lock = pathlib.Path(manifest).with_name("Cargo.lock").read_text()
    (folder / "Cargo.lock").write_text(lock)
    if subprocess.run([*cargo, "build", "--release"], **settings).returncode:
        return None
    return folder / "target" / "release" / "peer"


def write_data(folder, cases):
    """One file a shape: Gaussian columns with a correlation of ¾ between the sides."""
    import numpy

    files = {}
    for case in sorted(cases):
        kind, shape = case.split("/", 1)
        random = numpy.random.default_rng(0)
        path = folder / f"{kind}-{shape.replace('/', '-')}"
        if kind in ("matrix", "csv"):
            width, rows = (int(part) for part in shape.split("x"))
            columns = random.normal(size=(rows, width))
            if kind == "matrix":
                columns += 0.7 * random.normal(size=(rows, 1))
            names = ",".join(f"c{column + 1}" for column in range(width))
            numpy.savetxt(path, columns, fmt="%.17g", delimiter=",", header=names, comments="")
        else:
            rows = int(shape.split("/")[1])
            dims = [int(part) for part in shape.split("/")[0].split("+")]
            x, noise = random.normal(size=(2, rows, dims[0]))
            sides = [x, 0.75 * x + 0.4375**0.5 * noise]
            if len(dims) > 2:
                z = random.normal(size=(rows, dims[2]))
                sides = [side + z for side in sides] + [z]
            columns = numpy.hstack(sides)
            if kind == "neural":
                path = path.with_suffix(".npy")
                numpy.save(path, columns)
            else:
                columns.tofile(path)
        files[case] = path
    return files


class Runner(compare.Runner):
    """Starts one measurement as processes of its own, so no side warms up the other."""

    def __init__(self, programs, files, seconds):
        super().__init__(programs["mi"], pathlib.Path(), seconds)
        self.programs, self.files = programs, files

    def side(self, tool, case, cores):
        kind, shape = case.split("/", 1)
        own = {"ours": "neighbours_speed", "infomeasure": "infomeasure"}.get(tool)
        file, seconds = str(self.files[case]), str(self.seconds)
        if own and kind in ("ksg", "conditional"):
            estimator = "ksg1" if (tool, kind) == ("ours", "ksg") else kind
            command = [self.programs[own], f"{estimator}/{shape.split('/')[0]}", file, seconds]
        else:
            script = str(HERE / "estimator_cases.py")
            tool, program = ("mi", [self.programs["mi"]]) if tool == "ours" else (tool, [])
            command = [sys.executable, script, tool, case, file, seconds, str(cores), *program]
        return self.run(1, command, cores)


def run_case(runner, case, rounds):
    """One row: both sides in alternation, the order turned around from round to round."""
    name, peer, goal, cores = case
    runs = {"ours": [], peer: []}
    for number in range(rounds):
        say(f"round {number + 1}: {name} / {peer}")
        for tool in runs if number % 2 == 0 else reversed(runs):
            runs[tool].append(runner.side(tool, name, cores))
    our_runs, peer_runs = runs.values()
    times = [[run["ms"] for run in side] for side in (our_runs, peer_runs)]
    ratios = [peer_ms / our_ms for our_ms, peer_ms in zip(*times)]
    our_ms, peer_ms = map(statistics.median, times)
    our_mib, peer_mib = (
        statistics.median(run["extra_mib"] for run in side) for side in (our_runs, peer_runs)
    )
    return {
        "case": name,
        "peer": peer,
        "cores": cores,
        "our_ms": our_ms,
        "peer_ms": peer_ms,
        "ratio": statistics.median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "goal": goal,
        "our_spread": (max(times[0]) - min(times[0])) / our_ms,
        "peer_spread": (max(times[1]) - min(times[1])) / peer_ms,
        "our_mib": our_mib,
        "peer_mib": peer_mib,
        "our_nats": our_runs[-1]["accuracy"],
        "peer_nats": peer_runs[-1]["accuracy"],
    }


def shown(row):
    goal = row["goal"]
    met = "" if goal is None else (" met" if row["ratio"] >= goal else " missed")
    values = f"{row['our_nats']} / {row['peer_nats']}" if row["our_nats"] else ""
    return [
        row["case"],
        row["peer"],
        str(row["cores"]),
        f"{digits(row['our_ms'])} ± {50 * row['our_spread']:.0f} %",
        f"{digits(row['peer_ms'])} ± {50 * row['peer_spread']:.0f} %",
        f"{digits(row['ratio'])} ({digits(row['ratio_low'])} – {digits(row['ratio_high'])})",
        "" if goal is None else f"{goal}{met}",
        f"{row['our_mib']:.0f} / {row['peer_mib']:.0f}",
        values,
    ]


def markdown(rows):
    head = [
        "case",
        "peer",
        "cores",
        "ours, ms (half range)",
        "peer, ms",
        "peer / ours (range)",
        "goal",
        "MiB, ours / peer",
        "nats, ours / peer",
    ]
    lines = [head, ["---"] * len(head), *map(shown, rows)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return "\n\n".join([table, *memory_notes(rows)])


def memory_notes(rows):
    """What the command took to read a text table, beside the goal."""
    for row in rows:
        kind, shape = row["case"].split("/", 1)
        if kind == "csv":
            width, count = (int(part) for part in shape.split("x"))
            share = row["our_mib"] * 2**20 / (8 * width * count)
            met = "met" if share <= MEMORY_GOAL else "missed"
            yield (
                f"Reading {count} × {width} numbers, the process's whole peak is {share:.1f} times "
                f"the array (goal: at most {MEMORY_GOAL}, {met})."
            )
            return


def write(rows, table, options):
    """The table for readers and the numbers behind it; neither is ever overwritten."""
    date = datetime.datetime.now(datetime.timezone.utc)
    commit = compare.commit()
    found = {row["peer"] for row in rows}
    packages = [package for tool, (_, package) in TOOLS.items() if tool in found]
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    if "infomeasure" in found:
        versions.append(f"infomeasure {INFOMEASURE} (Rust)")
    stem = f"{date:%Y-%m-%dT%H%M%SZ}-{commit}-estimators"
    head = (
        f"{date:%Y-%m-%d %H:%M:%S} UTC, commit {commit}, {processor()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(versions)}. "
        f"Ratios are medians over {options.rounds} alternating rounds of {options.seconds} s a "
        "side or one repeat, with their range. Times are medians. 3 neighbours. "
        "For `neural`, `matrix` and `csv` ours is the `mi` command as a whole process and its whole "
        "peak of memory; all else is the work alone and the growth of the peak.\n\n"
    )
    compare.write_files(options.out / stem, head + table, COLUMNS, rows)


if __name__ == "__main__":
    main()
