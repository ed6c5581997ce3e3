"""Times one piece of work in PyTorch or scikit-learn, as examples/peer_timings.rs does in Rust.

usage: torch_cases.py CASE SECONDS THREADS

Prints one CSV row: case, repeats, median ms, minimum ms, extra MiB of memory, 0, accuracy.
Case names are those of peer_timings, except that `concat` is either `concat-rows` (a network on
K² concatenated pairs, the usual formulation) or `concat-split` (the first layer applied to x and y
apart and added, K × K × hidden values in between).
"""

import math
import os
import statistics
import sys
import time
import warnings

import numpy
import torch
from torch import nn
from torch.nn import functional

BATCH = 128
PIXELS = 392
DIM = 100
HIDDEN = 200


def main():
    case, seconds, threads = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    kind, *rest = case.split("/")
    builders = {"sgemm": sgemm, "critic": critic_matrix, "train": training_step, "probe": probe}
    work = builders[kind](*rest)
    times, extra = measure(work, seconds)
    accuracy = getattr(work, "accuracy", None)
    print(
        case,
        len(times),
        f"{1e3 * statistics.median(times):.4f}",
        f"{1e3 * min(times):.4f}",
        f"{extra:.1f}",
        0,
        "" if accuracy is None else f"{accuracy():.4f}",
        sep=",",
    )


def measure(work, seconds):
    """Seconds of each repeat, after one that is not counted, and the growth of the peak memory."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # forgets the peak of making the inputs
    except OSError:
        pass
    before = memory("VmRSS")
    work()
    times, start = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - start < seconds:
        one = time.perf_counter()
        work()
        times.append(time.perf_counter() - one)
    return times, max(0.0, memory("VmHWM") - before)


def memory(line):
    """A line of Linux's account of this process, in MiB; NaN elsewhere."""
    try:
        with open("/proc/self/status") as file:
            fields = dict(text.split(":", 1) for text in file)
        return int(fields[line].split()[0]) / 1024
    except (OSError, KeyError):
        return math.nan


def sgemm(n):
    a, b = torch.randn(int(n), int(n)), torch.randn(int(n), int(n))
    return lambda: torch.mm(a, b)


def infonce(scores):
    """log K + mean_i (S_ii − log Σ_j exp S_ij)."""
    return math.log(len(scores)) + (scores.diagonal() - scores.logsumexp(dim=1)).mean()


def dense(*sizes):
    layers = []
    for before, after in zip(sizes, sizes[1:]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Bilinear(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.map = nn.Linear(dim, dim, bias=False)

    def forward(self, x, y):
        return x @ self.map(y).T


class Separable(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.left, self.right = dense(dim, 100, 100), dense(dim, 100, 100)

    def forward(self, x, y):
        return self.left(x) @ self.right(y).T


class ConcatRows(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = dense(2 * dim, HIDDEN, 1)

    def forward(self, x, y):
        k, dim = x.shape
        left = x.unsqueeze(1).expand(k, k, dim)
        right = y.unsqueeze(0).expand(k, k, dim)
        pairs = torch.cat((left, right), dim=2).view(k * k, 2 * dim)
        return self.net(pairs).view(k, k)


class ConcatSplit(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.left = nn.Linear(dim, HIDDEN)
        self.right = nn.Linear(dim, HIDDEN, bias=False)
        self.out = nn.Linear(HIDDEN, 1)

    def forward(self, x, y):
        hidden = functional.relu(self.left(x).unsqueeze(1) + self.right(y).unsqueeze(0))
        return self.out(hidden).squeeze(2)


CRITICS = {
    "bilinear": Bilinear,
    "separable": Separable,
    "concat": ConcatRows,
    "concat-rows": ConcatRows,
    "concat-split": ConcatSplit,
}


def critic_matrix(critic, k):
    critic = CRITICS[critic](DIM)
    x = torch.randn(int(k), DIM, requires_grad=True)
    y = torch.randn(int(k), DIM, requires_grad=True)
    leaves = [x, y, *critic.parameters()]

    def work():
        for leaf in leaves:
            leaf.grad = None
        (-infonce(critic(x, y))).backward()

    return work


class ConvNet(nn.Module):
    """Two 5×5 convolutions of stride 2, TensorFlow's "same" padding, on `height` × 28 pixels."""

    def __init__(self, height=14):
        super().__init__()
        self.height = height
        self.first, self.second = nn.Conv2d(1, 64, 5, 2), nn.Conv2d(64, 128, 5, 2)
        self.scale = nn.Parameter(torch.ones(128, 1, 1))
        self.shift = nn.Parameter(torch.zeros(128, 1, 1))
        self.out = nn.Linear(128, 100)

    def map(self, x):
        """Batch × 128 channels × rows × columns."""
        x = x.view(-1, 1, self.height, 28)
        for convolution in (self.first, self.second):
            x = convolution(functional.pad(x, (*padding(x.shape[3]), *padding(x.shape[2])))).relu()
        return functional.layer_norm(x, x.shape[1:]) * self.scale + self.shift

    def summary(self, maps):
        return self.out(maps.mean(dim=(2, 3)))

    def forward(self, x):
        return self.summary(self.map(x))


def padding(size):
    """What "same" padding puts before and after `size` pixels, for 5 wide windows of stride 2."""
    total = 2 * ((size + 1) // 2 - 1) + 5 - size
    return total // 2, total - total // 2


class RealNvp(nn.Module):
    """Couplings that add to one half a network of the other."""

    def __init__(self, couplings=30):
        super().__init__()
        self.half = PIXELS // 2
        sizes = (self.half, 512, 512, PIXELS - self.half)
        self.shifts = nn.ModuleList(dense(*sizes) for _ in range(couplings))
        self.orders = [torch.randperm(PIXELS) for _ in range(couplings)]

    def forward(self, x):
        for shift, order in zip(self.shifts, self.orders):
            kept, changed = x[:, order].split((self.half, PIXELS - self.half), dim=1)
            x = torch.cat((kept, changed + shift(kept)), dim=1)
        return x


ENCODERS = {
    "mlp": (lambda: dense(PIXELS, 300, 300, 100), 100),
    "convnet": (ConvNet, 100),
    "realnvp": (RealNvp, PIXELS),
}


class TwoViews(nn.Module):
    """Two encoders of half an image each, and a critic."""

    def __init__(self, encoder, critic):
        super().__init__()
        build, dim = ENCODERS[encoder]
        self.g1, self.g2, self.critic = build(), build(), CRITICS[critic](dim)
        self.inputs = [torch.randn(BATCH, PIXELS).abs() for _ in range(2)]

    def bound(self):
        x, y = self.inputs
        return infonce(self.critic(self.g1(x), self.g2(y)))


class LocalDim(nn.Module):
    """DIM(L) of whole images: a summary against all 7 × 7 locations of all images."""

    def __init__(self):
        super().__init__()
        self.encoder = ConvNet(28)
        self.left, self.right = nn.Linear(100, 100), nn.Linear(128, 100)
        self.input = torch.randn(BATCH, 28 * 28).abs()

    def bound(self):
        """log(1 + (K−1)L) − mean_il softplus(log Σ_{j≠i,m} exp s_ijm − s_iil) of image i's summary
        with location m of image j."""
        maps = self.encoder.map(self.input)
        left = self.left(self.encoder.summary(maps))
        right = self.right(maps.flatten(2).transpose(1, 2))
        images, locations = right.shape[:2]
        scores = (left @ right.flatten(0, 1).T).view(images, images, locations)
        positives = scores.diagonal().T
        # Summed over locations first, so that the mask is K × K, not K × K × L.
        own = torch.eye(images, dtype=torch.bool)
        others = scores.logsumexp(dim=2).masked_fill(own, -math.inf).logsumexp(dim=1)
        candidates = 1 + (images - 1) * locations
        return math.log(candidates) - functional.softplus(others[:, None] - positives).mean()


class Cpc(nn.Module):
    """CPC over the 4 × 4 patches of an image in raster order, one to three steps ahead."""

    def __init__(self):
        super().__init__()
        self.encoder, self.context = dense(49, 128, 128, 64), nn.GRU(64, 64)
        self.maps = nn.ModuleList(nn.Linear(64, 64, bias=False) for _ in range(3))
        self.input = torch.randn(16, BATCH, 49).abs()

    def bound(self):
        """Mean over steps and places of InfoNCE; the candidates are one place of all images."""
        codes = self.encoder(self.input)
        contexts, _ = self.context(codes)
        losses = [self.loss(step, codes, contexts) for step in (1, 2, 3)]
        return math.log(BATCH) - sum(losses) / len(losses)

    def loss(self, step, codes, contexts):
        # Place × image of the context × image of the candidate.
        scores = self.maps[step - 1](contexts[:-step]) @ codes[step:].transpose(1, 2)
        positives = torch.arange(BATCH).repeat(len(scores))
        return functional.cross_entropy(scores.flatten(0, 1), positives)


MULTI_VIEW = {("dim-local", "nce"): LocalDim, ("cpc", "other"): Cpc}


def training_step(*names):
    model = MULTI_VIEW[names]() if names in MULTI_VIEW else TwoViews(*names)
    # As on our side: the bound stays where it starts, and gradients stay normal numbers.
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-12, foreach=True)

    def work():
        optimiser.zero_grad(set_to_none=True)
        (-model.bound()).backward()
        optimiser.step()

    return work


def probe(solver, dim):
    from sklearn.linear_model import LogisticRegression

    warnings.filterwarnings("ignore")
    table = numpy.fromfile(os.environ["PEER_PROBE"], dtype="<f4").reshape(-1, int(dim) + 1)
    features, labels = numpy.ascontiguousarray(table[:, :-1]), table[:, -1].astype(int)
    seeds = iter(range(10**9))
    state = {}

    def work():
        seed = next(seeds)
        model = LogisticRegression(solver=solver, C=10.0, tol=0.1, max_iter=100, random_state=seed)
        state["model"] = model.fit(features, labels)

    work.accuracy = lambda: state["model"].score(features, labels)
    return work


if __name__ == "__main__":
    main()
