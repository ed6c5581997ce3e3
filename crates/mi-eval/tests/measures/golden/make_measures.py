"""Makes measures.json: what numpy, scipy and scikit-learn say of features, next to the crate.

Needs numpy 2.4.6, scipy 1.17.1 and scikit-learn 1.9.1
(pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1).
Run it in this folder without arguments; it takes a few seconds.

Formulas are those of the papers that the crate's documentation names, written without looking at
it: pairs and Gram matrices in full, loops where they are clearest.
"""

import json

import numpy as np
import scipy
import sklearn
from scipy.spatial.distance import pdist
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.metrics.pairwise import cosine_distances
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import StandardScaler, normalize

# Four rows that tell usual slips apart.
X = np.array([[1.0, 0.5, -0.5], [-0.5, 1.0, 0.2], [0.7, -0.6, 1.0], [-1.0, -0.2, -0.6]])
Y = np.array([[0.4, 0.9, 0.3], [0.2, 0.6, 0.8], [0.6, -0.8, 0.4], [0.9, -0.1, 0.5]])


def alignment(x, y):
    return float(np.mean(np.sum((normalize(x) - normalize(y)) ** 2, axis=1)))


def uniformity(x, t=2.0):
    return float(np.log(np.mean(np.exp(-t * pdist(normalize(x), "sqeuclidean")))))


def exp_entropy(p):
    p = p[p > 0]
    return float(np.exp(-np.sum(p * np.log(p))))


def rank_me(x, eps=1e-7):
    s = np.linalg.svd(x, compute_uv=False)
    return exp_entropy(s / s.sum() + eps)


def exponent(x, first, last):
    """Weighted least squares of log eigenvalues on log indices, counted from 1."""
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(x.T)))[::-1]
    j = np.arange(first, last + 1)
    # np.polyfit squares its weights.
    slope, _ = np.polyfit(np.log(j), np.log(eigenvalues[j - 1]), 1, w=np.sqrt(1.0 / j))
    return float(-slope)


def cka(x, y, centre=True):
    n = len(x)
    h = np.eye(n) - 1.0 / n if centre else np.eye(n)
    k, m = h @ (x @ x.T) @ h, h @ (y @ y.T) @ h
    return float(np.sum(k * m) / np.sqrt(np.sum(k * k) * np.sum(m * m)))


def hsic_unbiased(k, m):
    n = len(k)
    k, m = k.copy(), m.copy()
    np.fill_diagonal(k, 0.0)
    np.fill_diagonal(m, 0.0)
    one = np.ones(n)
    value = np.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
    return (value - 2.0 / (n - 2) * (one @ k @ m @ one)) / (n * (n - 3))


def cka_debiased(x, y):
    k, m = x @ x.T, y @ y.T
    return float(hsic_unbiased(k, m) / np.sqrt(hsic_unbiased(k, k) * hsic_unbiased(m, m)))


def class_separation(x, labels):
    distance = cosine_distances(x)
    classes = np.unique(labels)
    blocks = np.array(
        [[distance[np.ix_(labels == a, labels == b)].mean() for b in classes] for a in classes]
    )
    return float(1.0 - np.mean(np.diag(blocks)) / np.mean(blocks))


def purity(x, labels, k):
    nearest = NearestNeighbors(n_neighbors=k, metric="cosine").fit(x)
    found = nearest.kneighbors(return_distance=False)
    return float(np.mean(labels[found] == labels[:, None]))


def tiny():
    centred = X - X.mean(axis=0)
    covariance = np.linalg.eigvalsh(np.cov(X.T))
    distances = pdist(normalize(X), "sqeuclidean")
    with_self = np.concatenate([2 * [d] for d in np.exp(-2 * distances)] + [np.ones(4)])
    return {
        "x": X.tolist(),
        "y": Y.tolist(),
        "alignment": alignment(X, Y),
        "uniformity_x": uniformity(X),
        "uniformity_y": uniformity(Y),
        "rank_me_x": rank_me(X),
        "rank_me_y": rank_me(Y),
        "effective_rank_x": rank_me(X, eps=0.0),
        "cka": cka(X, Y),
        "slips": {
            "uniformity with self-pairs": float(np.log(np.mean(with_self))),
            "uniformity at t = 1": uniformity(X, 1.0),
            "alignment without normalising": float(np.mean(np.sum((X - Y) ** 2, axis=1))),
            "RankMe of the centred matrix": rank_me(centred),
            "RankMe of covariance eigenvalues": exp_entropy(covariance / covariance.sum() + 1e-7),
            "CKA without centring": cka(X, Y, centre=False),
        },
    }


def cloud():
    """Two representations of 80 samples of four classes, one of 12 and one of 7 features."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 80)
    x = rng.standard_normal((4, 12))[labels] + rng.standard_normal((80, 12))
    x = np.round(x @ np.diag(np.arange(1, 13) ** -0.5) @ rng.standard_normal((12, 12)), 3)
    y = np.round(x @ rng.standard_normal((12, 7)) + 2.0 * rng.standard_normal((80, 7)) + 1.0, 3)
    noisy = np.round(x + rng.standard_normal(x.shape), 3)
    s = np.linalg.svd(x, compute_uv=False)
    return {
        "labels": labels.tolist(),
        "x": x.tolist(),
        "y": y.tolist(),
        "noisy": noisy.tolist(),
        "alignment": alignment(x, noisy),
        "uniformity": uniformity(x),
        "uniformity_t5": uniformity(x, 5.0),
        "rank_me": rank_me(x),
        "effective_rank": exp_entropy(s / s.sum()),
        "exponent_2_10": exponent(x, 2, 10),
        "cka": cka(x, y),
        "cka_debiased": cka_debiased(x, y),
        # Fewer rows than features: the debiased estimate in Gram form.
        "cka_rows": 9,
        "cka_few": cka(x[:9], y[:9]),
        "cka_debiased_few": cka_debiased(x[:9], y[:9]),
        "class_separation": class_separation(x, labels),
        "purity_5": purity(x, labels, 5),
    }


def readers():
    """k-NN and a linear probe's log loss: 300 training and 100 test rows of five classes."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 5, 400)
    x = np.round(1.2 * rng.standard_normal((5, 8))[labels] + rng.standard_normal((400, 8)), 3)
    train, test = slice(0, 300), slice(300, 400)
    model = KNeighborsClassifier(
        n_neighbors=20,
        metric="cosine",
        algorithm="brute",
        weights=lambda distances: np.exp((1.0 - distances) / 0.07),
    ).fit(x[train], labels[train])
    scaler = StandardScaler().fit(x[train])
    linear = LogisticRegression(C=1.0, tol=1e-10, max_iter=100_000)
    linear.fit(scaler.transform(x[train]), labels[train])
    frequencies = (np.bincount(labels[train], minlength=5) + 1.0) / (300 + 5)
    prior_loss = float(np.mean(-np.log(frequencies[labels[test]])))
    linear_loss = log_loss(labels[test], linear.predict_proba(scaler.transform(x[test])))
    return {
        "x": x.tolist(),
        "labels": labels.tolist(),
        "train_rows": 300,
        "knn_probabilities": model.predict_proba(x[test]).tolist(),
        "knn_accuracy": float(model.score(x[test], labels[test])),
        "linear_accuracy": float(linear.score(scaler.transform(x[test]), labels[test])),
        "linear_log_loss": float(linear_loss),
        "linear_v_information": prior_loss - float(linear_loss),
    }


def gaussian_values():
    """Linear V-information about values, by ridge regression with the penalty of C = 1."""
    rng = np.random.default_rng(3)
    x = np.round(rng.standard_normal((500, 4)), 3)
    y = np.round(x @ rng.standard_normal((4, 3)) + 0.7 * rng.standard_normal((500, 3)) + 3.0, 3)
    train, test = slice(0, 400), slice(400, 500)
    scaler = StandardScaler().fit(x[train])
    a, b = scaler.transform(x[train]), scaler.transform(x[test])
    mean = y[train].mean(axis=0)
    covariance = np.cov(y[train].T, bias=True)
    centred = y[train] - mean
    weights = np.linalg.solve(a.T @ a + np.eye(4), a.T @ centred)
    residual = centred - a @ weights
    of_residual = residual.T @ residual / 400

    def loss(rows, sigma):
        solved = np.linalg.solve(sigma, rows.T).T
        _, log_det = np.linalg.slogdet(2 * np.pi * sigma)
        return 0.5 * log_det + 0.5 * np.sum(rows * solved, axis=1)

    without = loss(y[test] - mean, covariance)
    with_x = loss(y[test] - mean - b @ weights, of_residual)
    return {
        "x": x.tolist(),
        "y": y.tolist(),
        "train_rows": 400,
        "without": float(without.mean()),
        "with": float(with_x.mean()),
        "pointwise": (without - with_x)[:5].tolist(),
    }


def curve():
    """An online code with C = 1 and the losses of its readers on test rows."""
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 700)
    x = np.round(rng.standard_normal((3, 5))[labels] + rng.standard_normal((700, 5)), 3)
    train, test = slice(0, 500), slice(500, 700)
    sizes = [32, 64, 128, 256, 500]
    nats, losses = sizes[0] * np.log(3), []
    for n, following in zip(sizes, sizes[1:] + [None]):
        scaler = StandardScaler().fit(x[:n])
        model = LogisticRegression(C=1.0, tol=1e-10, max_iter=100_000)
        model.fit(scaler.transform(x[:n]), labels[:n])
        losses.append(log_loss(labels[test], model.predict_proba(scaler.transform(x[test]))))
        if following is not None:
            block = slice(n, following)
            probabilities = model.predict_proba(scaler.transform(x[block]))
            nats += log_loss(labels[block], probabilities, normalize=False)
    epsilon = 0.65
    steps = np.diff([0] + sizes)
    return {
        "x": x.tolist(),
        "labels": labels.tolist(),
        "train_rows": 500,
        "sizes": sizes,
        "nats": float(nats),
        "compression": float(500 * np.log(3) / nats),
        "losses": [float(loss) for loss in losses],
        "epsilon": epsilon,
        "sample_complexity": next((n for n, l in zip(sizes, losses) if l <= epsilon), None),
        "surplus": float(np.sum(steps * np.maximum(np.array(losses) - epsilon, 0.0))),
    }


def main():
    golden = {
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "tiny": tiny(),
        "cloud": cloud(),
        "readers": readers(),
        "values": gaussian_values(),
        "curve": curve(),
    }
    with open("measures.json", "w", encoding="utf-8") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
