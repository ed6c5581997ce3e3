"""Times other tools' nearest-neighbour estimators on the cases of `neighbours_speed`.

    python3 -m venv /tmp/peers
    /tmp/peers/bin/pip install scikit-learn ennemi npeet-plus
    taskset -c 0 /tmp/peers/bin/python bench-results/peers/estimators.py

Prints the versions, then one CSV row a case: wall clock and processor seconds, best of three
(one run above 100 000 rows), one thread. Compare rows of one machine taken in one sitting.
"""

import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402  (after the thread limits)


def best(run, repeats):
    wall, cpu, value = float("inf"), float("inf"), None
    for _ in range(repeats):
        start, start_cpu = time.perf_counter(), time.process_time()
        value = run()
        wall = min(wall, time.perf_counter() - start)
        cpu = min(cpu, time.process_time() - start_cpu)
    return wall, cpu, float(np.squeeze(value))


def row(tool, case, n, d, run, repeats=3):
    wall, cpu, value = best(run, repeats)
    print(f"{tool},{case},{n},{d}+{d},{wall:.6f},{cpu:.6f},{value:.4f}", flush=True)


def main():
    import importlib.metadata as metadata

    for package in ("numpy", "scikit-learn", "ennemi", "npeet-plus"):
        try:
            print("#", package, metadata.version(package))
        except metadata.PackageNotFoundError:
            print("#", package, "not installed")
    print("tool,case,n,dims,seconds,cpu_seconds,value_nats")

    try:
        from sklearn.feature_selection import mutual_info_regression
    except ImportError:
        mutual_info_regression = None
    try:
        import ennemi
    except ImportError:
        ennemi = None
    try:
        from npeet_plus import mi as npeet
    except ImportError:
        npeet = None

    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rng = np.random.default_rng(0)
    for n, d in [(1_000, 1), (10_000, 1), (100_000, 1), (1_000_000, 1), (10_000, 5)]:
        if n > largest:
            continue
        x = rng.standard_normal((n, d))
        y = 0.75 * x + np.sqrt(0.4375) * rng.standard_normal((n, d))
        repeats = 3 if n <= 100_000 else 1
        if mutual_info_regression and d == 1:
            run = lambda: mutual_info_regression(x, y[:, 0], n_neighbors=3)  # noqa: E731
            row("scikit-learn", "ksg1", n, d, run, repeats)
        if ennemi and d == 1:
            row("ennemi", "ksg1", n, d, lambda: ennemi.estimate_mi(y[:, 0], x[:, 0], k=3), repeats)
        if npeet and n <= 100_000:
            row("npeet-plus", "ksg1", n, d, lambda: npeet(x, y, k=3, base=np.e), repeats)
    n = 10_000
    z = rng.standard_normal(n)
    x, y = z + rng.standard_normal(n), z + rng.standard_normal(n)
    if ennemi:
        run = lambda: ennemi.estimate_mi(y, x, cond=z, k=3)  # noqa: E731
        row("ennemi", "conditional", n, 1, run)


if __name__ == "__main__":
    main()
