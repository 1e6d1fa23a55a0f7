"""The estimate of one degradation's law, against SRGA's published procedure, side by side.

    pip install --constraint requirements.lock --editable '.[benchmark,workflow]'
    python benchmarks/similarity.py                     # 800 × 65,536
    python benchmarks/similarity.py --columns 1048576   # the size of 32×32 patches; 11 GiB, 15 min

Both start from the same features. SRGA's script runs scikit-learn's PCA (randomized at this size),
removes outliers in a loop that recomputes the standard deviation for each element, and scans a grid
of shapes. Here its three steps are written out as it has them; the loop is timed on the first
elements and scaled, unless --whole-loop is given. Prints seconds, ratios and peak memory.

At last one degradation from its patches to its law, features and uncertainty included, on the GPU
where there is one.
"""

import argparse
import resource
import time

import numpy as np
import torch
from scipy.special import gamma
from sklearn.decomposition import PCA

from grids.configuration.settings import PACKAGED
from grids.descriptors import srresnet
from grids.similarity import features, ggd, law

COMPONENTS = 300
LOOP_SAMPLE = 20_000


def synthetic_features(patches: int, columns: int, seed: int) -> torch.Tensor:
    """Features with a falling spectrum and heavy tails, like those of photographs."""
    generator = torch.Generator().manual_seed(seed)
    latent = torch.randn(patches, patches, generator=generator)
    latent *= torch.rand(patches, 1, generator=generator).pow(2) * 4
    latent *= torch.arange(1, patches + 1).pow(-0.7)
    data = torch.empty(patches, columns)
    for start in range(0, columns, 1 << 15):
        width = min(1 << 15, columns - start)
        data[:, start : start + width] = latent @ torch.randn(patches, width, generator=generator)
    return data


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def square_product_rate() -> float:
    """GFLOP/s of a product of square matrices: what arithmetic allows at best."""
    side = 3000
    matrix = torch.rand(side, side)
    matrix @ matrix
    start = time.perf_counter()
    matrix @ matrix
    return 2 * side**3 / (time.perf_counter() - start) / 1e9


def features_rate() -> float:
    """GFLOP/s of the packaged descriptor on patches of 32×32."""
    describe = srresnet.describer(srresnet.load(PACKAGED))
    patches = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)
    features.features(patches[:16], describe, torch.device("cpu"))
    start = time.perf_counter()
    features.features(patches, describe, torch.device("cpu"))
    return len(patches) * 5.2 / (time.perf_counter() - start)


def degradation_seconds(patches: int, device: torch.device) -> float:
    """What a job of the rule `ggd` computes, without reading and writing."""
    describe = srresnet.describer(srresnet.load(PACKAGED).to(device))
    pixels = np.random.default_rng(0).integers(0, 256, (patches, 32, 32, 3), dtype=np.uint8)
    features.features(pixels[:16], describe, device)
    start = time.perf_counter()
    gram = features.gram(features.features(pixels, describe, device))
    ggd.estimate(gram, np.random.default_rng(0), components=COMPONENTS, clip=5, replicates=16)
    return time.perf_counter() - start


def ours(data: torch.Tensor) -> tuple[dict, tuple[float, float]]:
    start = time.perf_counter()
    gram = features.gram(data)
    gram_done = time.perf_counter()
    scores = law.scores(gram, COMPONENTS)
    scores_done = time.perf_counter()
    fitted = law.fit(law.clipped(scores, 5))
    end = time.perf_counter()
    seconds = {
        "pca": scores_done - start,
        "gram alone": gram_done - start,
        "clip and fit": end - scores_done,
        "whole": end - start,
    }
    return seconds, fitted


def published_outliers(values: np.ndarray, whole: bool) -> tuple[np.ndarray, float]:
    """Values within 5 standard deviations, and the seconds that the published loop takes."""
    looked_at = values if whole else values[:LOOP_SAMPLE]
    start = time.perf_counter()
    mean = np.mean(values)
    kept = values.tolist()
    for value in looked_at:
        if abs(value - mean) >= 5 * np.std(values):
            kept.remove(value)
    seconds = (time.perf_counter() - start) * len(values) / len(looked_at)
    if not whole:
        kept = values[np.abs(values - mean) < 5 * np.std(values)]
    return np.asarray(kept), seconds


def published(data: np.ndarray, whole_loop: bool) -> tuple[dict, tuple[float, float]]:
    start = time.perf_counter()
    scores = PCA(n_components=COMPONENTS, random_state=0).fit_transform(data)
    pca = time.perf_counter() - start
    samples, loop = published_outliers(scores.ravel(), whole_loop)
    start = time.perf_counter()
    shapes = np.arange(0.2, 10, 0.001)
    ratios = gamma(1 / shapes) * gamma(3 / shapes) / gamma(2 / shapes) ** 2
    ratio = np.mean(samples**2) / np.mean(np.abs(samples - samples.mean())) ** 2
    alpha = shapes[np.argmin(np.abs(ratio - ratios))]
    fit = time.perf_counter() - start
    seconds = {"pca": pca, "outlier loop": loop, "scan": fit, "whole": pca + loop + fit}
    return seconds, (float(alpha), float(np.sqrt(np.mean(samples**2))))


def show(name: str, seconds: dict) -> None:
    parts = ", ".join(f"{step} {value:.2f} s" for step, value in seconds.items())
    print(f"{name}: {parts}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patches", type=int, default=800)
    parser.add_argument("--columns", type=int, default=65_536)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--whole-loop", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)

    data = synthetic_features(asked.patches, asked.columns, seed=0)
    own, our_law = ours(data)
    show(f"GRIDS, {asked.patches} × {asked.columns}", own)
    own_peak = peak_gib()
    limit = square_product_rate()
    rate = 2 * asked.patches**2 * asked.columns / own["gram alone"] / 1e9
    print(f"  Gram matrix (2·N²·D): {rate:.0f} GFLOP/s, {rate / limit:.2f} of a square product's")
    rate = features_rate()
    print(f"  features (5.2 GFLOP a patch): {rate:.0f} GFLOP/s, {rate / limit:.2f} of it")
    theirs, their_law = published(data.numpy(), asked.whole_loop)
    show("SRGA's procedure", theirs)
    whole, pca = (theirs[step] / own[step] for step in ("whole", "pca"))
    print(f"ratio: whole {whole:.1f}, PCA {pca:.1f}")
    print(f"peak memory: {own_peak:.1f} GiB against {peak_gib():.1f} GiB")
    for whose, (alpha, sigma) in (("our", our_law), ("their", their_law)):
        print(f"{whose} law: α {alpha:.4f}, σ {sigma:.4f}")
    print(f"  distance between them S = {law.distance(law.kl(*our_law, *their_law)):.2f}")
    del data
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    seconds = degradation_seconds(asked.patches, device)
    print(f"one degradation of {asked.patches} patches on {device}: {seconds:.1f} s")


if __name__ == "__main__":
    main()
