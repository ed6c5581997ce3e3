"""Times one piece of work of another tool, or the `mi` command as a whole process.

usage: estimator_cases.py TOOL CASE FILE SECONDS THREADS [PROGRAM]

Prints one CSV row: case, repeats, median ms, minimum ms, extra MiB of memory, 0, value in nats.
FILE holds the columns of the case (see estimators.py). PROGRAM is `mi`, for the tool `mi`. Times
of other tools leave out their imports and the reading of FILE, unless reading is the case; those
of `mi` leave out nothing. Memory is the growth of the peak, of `mi` the whole peak.
"""

import json
import resource
import statistics
import subprocess
import sys
import time

import numpy

# Neighbours, in every tool.
K = 3


def main():
    tool, case, file, seconds, threads, *program = sys.argv[1:]
    kind, shape = case.split("/", 1)
    who = resource.RUSAGE_CHILDREN if tool == "mi" else resource.RUSAGE_SELF
    work = WORK[tool, kind](file, shape, int(threads), *program)
    before = 0 if tool == "mi" else peak_mib(who)
    times, value = measure(work, float(seconds))
    row = [
        case,
        len(times),
        f"{1e3 * statistics.median(times):.4f}",
        f"{1e3 * min(times):.4f}",
        f"{peak_mib(who) - before:.1f}",
        0,
        "" if value is None else f"{float(numpy.squeeze(value)):.4f}",
    ]
    print(*row, sep=",")


def measure(work, seconds):
    """Seconds of each repeat; the first does not count unless it alone takes long enough."""
    times, start = [], time.perf_counter()
    while True:
        one = time.perf_counter()
        value = work()
        times.append(time.perf_counter() - one)
        if time.perf_counter() - start >= seconds:
            return times[1:] or times, value


def peak_mib(who):
    peak = resource.getrusage(who).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def sides(file, shape):
    """The columns of x, of y, and of z if the shape has a third part."""
    dims = [int(part) for part in shape.split("/")[0].split("+")]
    columns = numpy.fromfile(file).reshape(-1, sum(dims))
    ends = numpy.cumsum(dims)[:-1]
    return [numpy.ascontiguousarray(side) for side in numpy.split(columns, ends, axis=1)]


def sklearn_ksg(file, shape, threads):
    from sklearn.feature_selection import mutual_info_regression

    x, y = sides(file, shape)
    return lambda: mutual_info_regression(x, y[:, 0], n_neighbors=K, n_jobs=threads)


def sklearn_matrix(file, shape, threads):
    from sklearn.feature_selection import mutual_info_regression

    width = int(shape.split("x")[0])
    columns = numpy.loadtxt(file, delimiter=",", skiprows=1)

    def pairs():
        for last in range(1, width):
            before, column = columns[:, :last], columns[:, last]
            value = mutual_info_regression(before, column, n_neighbors=K, n_jobs=threads)
        return value[-1]

    return pairs


def ennemi_ksg(file, shape, _threads):
    import ennemi

    x, y, *z = (side[:, 0] for side in sides(file, shape))
    return lambda: ennemi.estimate_mi(y, x, k=K, cond=z[0] if z else None, max_threads=1)


def npeet_ksg(file, shape, _threads):
    from npeet_plus import mi

    x, y, *z = sides(file, shape)
    return lambda: mi(x, y, z[0] if z else None, k=K, base=numpy.e)


def bmi_neural(file, _shape, _threads):
    from bmi.estimators import InfoNCEEstimator

    x, y = numpy.split(numpy.load(file), 2, axis=1)
    # Compiles anew for each estimate, as its users do.
    return lambda: InfoNCEEstimator(verbose=False).estimate(x, y)


def pandas_csv(file, _shape, _threads):
    import pandas

    def read():
        pandas.read_csv(file)

    return read


def numpy_csv(file, _shape, _threads):
    def read():
        numpy.loadtxt(file, delimiter=",", skiprows=1)

    return read


def mi_matrix(file, shape, threads, program):
    last = int(shape.split("x")[0])
    names = f"c{last - 1},c{last}"

    def pairs():
        command = [program, "matrix", file, "--csv", "--quiet"]
        rows = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        return next(row.split(",")[3] for row in rows.splitlines() if row.startswith(names))

    return pairs


def mi_neural(file, _shape, _threads, program):
    columns = ["--x", "1", "--y", "2"]
    settings = ["--method", "neural", "--bound", "infonce", "--json", "--quiet"]

    def estimate():
        command = [program, "estimate", file, *columns, *settings]
        return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    return lambda: estimate()["results"][0]["estimates"][0]["value"]


def mi_csv(file, _shape, _threads, program):
    def read():
        subprocess.run([program, "columns", file, "--quiet"], stdout=subprocess.PIPE, check=True)

    return read


WORK = {
    ("scikit-learn", "ksg"): sklearn_ksg,
    ("scikit-learn", "matrix"): sklearn_matrix,
    ("ennemi", "ksg"): ennemi_ksg,
    ("ennemi", "conditional"): ennemi_ksg,
    ("npeet", "ksg"): npeet_ksg,
    ("npeet", "conditional"): npeet_ksg,
    ("benchmark-mi", "neural"): bmi_neural,
    ("pandas", "csv"): pandas_csv,
    ("numpy", "csv"): numpy_csv,
    ("mi", "neural"): mi_neural,
    ("mi", "matrix"): mi_matrix,
    ("mi", "csv"): mi_csv,
}

if __name__ == "__main__":
    main()
