"""Makes probes.json: what scikit-learn's scaler and logistic regression say on small data sets.

Needs numpy 2.4.6 and scikit-learn 1.9.1 (pip install numpy==2.4.6 scikit-learn==1.9.1).
Run it in this folder without arguments; it takes about ten seconds.
"""

import json
import warnings

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import MinMaxScaler, StandardScaler

SAGA_SEEDS = 200
PROBABILITY_ROWS = 40


def clusters(seed, rows, features, classes, spread, scales=None):
    """Gaussian clusters around random centres, rounded so that the file stays small."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((classes, features)) * spread / np.sqrt(features)
    labels = rng.integers(0, classes, rows)
    labels[:classes] = np.arange(classes)
    x = centres[labels] + rng.standard_normal((rows, features))
    if scales is not None:
        x = x * scales
    return np.round(x, 2), labels


def converged(name, x, labels, c, sklearn_c):
    """The optimum by L-BFGS, on the features as they are."""
    model = LogisticRegression(C=sklearn_c, solver="lbfgs", tol=1e-9, max_iter=100_000)
    model.fit(x, labels)
    probabilities = model.predict_proba(x)
    return {
        "name": name,
        "c": c,
        "features": x.tolist(),
        "labels": labels.tolist(),
        "probabilities": np.round(probabilities[:PROBABILITY_ROWS], 7).tolist(),
        "accuracy": float(model.score(x, labels)),
        "log_loss": float(log_loss(labels, probabilities)),
    }


def early_stopped():
    """SAGA at the paper's C and tolerance over many seeds, min-max scaled."""
    x, labels = clusters(10, 1000, 10, 6, 3.0)
    train, test = slice(0, 500), slice(500, 1000)
    scaler = MinMaxScaler().fit(x[train])
    scaled = scaler.transform(x)
    accuracies, epochs = [], []
    for seed in range(SAGA_SEEDS):
        model = LogisticRegression(C=10, solver="saga", tol=0.1, random_state=seed)
        model.fit(scaled[train], labels[train])
        accuracies.append(round(float(model.score(scaled[test], labels[test])), 4))
        epochs.append(int(model.n_iter_[0]))
    return {
        "features": x.tolist(),
        "labels": labels.tolist(),
        "train_rows": 500,
        "accuracies": accuracies,
        "epochs": epochs,
    }


def scalers():
    """Scaled columns: ordinary, constant, on a large offset, tiny."""
    rng = np.random.default_rng(20)
    x = np.round(rng.standard_normal((12, 4)), 2)
    x[:, 1] = 5.0
    x[:, 2] += 1e6
    x[:, 3] *= 1e-9
    test = x[:3] + 2.0
    return {
        "train": x.tolist(),
        "test": test.tolist(),
        "min_max": MinMaxScaler().fit(x).transform(test).tolist(),
        "standard": StandardScaler().fit(x).transform(test).tolist(),
    }


def main():
    warnings.simplefilter("error", ConvergenceWarning)
    cases = [
        converged("three classes", *clusters(1, 150, 4, 3, 3.0), 1.0, 1.0),
        converged("weak penalty", *clusters(2, 200, 6, 4, 2.0), 100.0, 100.0),
        # With two classes scikit-learn has one column of weights, the difference of the two
        # here: half the squared norm, so twice the C.
        converged("two classes", *clusters(3, 120, 3, 2, 2.0), 0.3, 0.6),
        converged("twenty classes", *clusters(4, 300, 8, 20, 5.0), 1.0, 1.0),
        converged("more features than rows", *clusters(5, 40, 50, 3, 3.0), 1.0, 1.0),
        converged(
            "uneven scales",
            *clusters(6, 150, 4, 3, 3.0, np.array([0.3, 1.0, 10.0, 100.0])),
            0.1,
            0.1,
        ),
    ]
    golden = {
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "converged": cases,
        "saga": early_stopped(),
        "scalers": scalers(),
    }
    with open("probes.json", "w", encoding="utf-8") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
