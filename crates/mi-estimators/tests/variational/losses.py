"""The golden values of losses.rs, from the definitions, in plain Python: python losses.py

K = 4 pairs of vectors of three numbers; (X_i, Y_i) are the positives. No package is needed.
"""

from math import exp, log, sqrt

X = [[1.0, 0.5, -0.5], [-0.5, 1.0, 0.2], [0.7, -0.6, 1.0], [-1.0, -0.2, -0.6]]
Y = [[0.4, 0.9, 0.3], [0.2, 0.6, 0.8], [0.6, -0.8, 0.4], [0.9, -0.1, 0.5]]
K = range(4)


def dot(a, b):
    return sum(p * q for p, q in zip(a, b))


def unit(rows):
    return [[v / sqrt(dot(row, row)) for v in row] for row in rows]


def squared(a, b):
    return sum((p - q) ** 2 for p, q in zip(a, b))


def log_sum_exp(terms):
    return log(sum(exp(t) for t in terms))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def info_nce(x, y, temperature=1.0):
    """Rows: fixed x, sum over all y."""
    score = [[dot(a, b) / temperature for b in y] for a in x]
    return log(4) + mean(score[i][i] - log_sum_exp(score[i]) for i in K)


def nt_xent(temperature):
    """Anchors of both views, each against the 7 others."""
    z = unit(X + Y)
    others = lambda i: [j for j in range(8) if j != i]
    score = lambda i, j: dot(z[i], z[j]) / temperature
    return mean(log_sum_exp(score(i, j) for j in others(i)) - score(i, (i + 4) % 8) for i in range(8))


def triplets(rule, margin):
    """The loss of each anchor; unit vectors, squared distances."""
    x, y = unit(X), unit(Y)
    d = [[squared(a, b) for b in y] for a in x]
    found = []
    for i in K:
        others = [d[i][j] for j in K if j != i]
        farther = [v for v in others if v > d[i][i]]
        if rule == "hardest":
            negatives = [min(others)]
        elif rule == "semi-hard":  # as TensorFlow: the largest distance if none is farther
            negatives = [min(farther) if farther else max(others)]
        else:  # every semi-hard triplet
            negatives = [v for v in farther if v < d[i][i] + margin]
        found.append([max(0.0, d[i][i] - v + margin) for v in negatives])
    return found


def lifted(z):
    """J of each pair (i, i + 4), in both directions the same; Euclidean distances, alpha = 1."""
    d = lambda i, j: sqrt(squared(z[i], z[j]))
    negatives = lambda i: [k for k in range(8) if k % 4 != i % 4]
    terms = lambda i: [1.0 - d(i, k) for k in negatives(i)]
    return [d(i, i + 4) + log_sum_exp(terms(i) + terms(i + 4)) for i in K]


def generalised_lifted(z):
    d = lambda i, j: sqrt(squared(z[i], z[j]))
    negatives = lambda i: [1.0 - d(i, k) for k in range(8) if k % 4 != i % 4]
    return mean(max(0.0, d(i, (i + 4) % 8) + log_sum_exp(negatives(i))) for i in range(8))


def show(name, value):
    text = ", ".join(f"{v:.6f}" for v in value) if isinstance(value, list) else f"{value:.10f}"
    print(f"{name}: {text}")


rows, columns = info_nce(X, Y), info_nce(Y, X)
show("InfoNCE, rows", rows)
show("InfoNCE, columns", columns)
show("InfoNCE, symmetric", (rows + columns) / 2)
ux, uy = unit(X), unit(Y)
show("InfoNCE, symmetric, cosine / 0.5", (info_nce(ux, uy, 0.5) + info_nce(uy, ux, 0.5)) / 2)
show("NT-Xent, 0.5", nt_xent(0.5))
show("NT-Xent, 0.07", nt_xent(0.07))
show("N-pair", log(4) - rows)
show("triplet, hardest, 1", mean(v for t in triplets("hardest", 1.0) for v in t))
for margin in (1.0, 0.2):
    of_anchors = [t[0] for t in triplets("semi-hard", margin)]
    show(f"triplet, semi-hard, {margin}", mean(of_anchors))
    show("  of each anchor", of_anchors)
show("triplet, every semi-hard, 1", mean(v for t in triplets("every", 1.0) for v in t))
for name, z in (("raw", X + Y), ("unit", unit(X + Y))):
    j = lifted(z)
    show(f"lifted structure, {name}", mean(max(0.0, v) ** 2 for v in j) / 2)
    show("  J of each pair", j)
show("generalised lifted, unit", generalised_lifted(unit(X + Y)))
