"""A linear discriminant whose covariance is shrunken (Ledoit and Wolf, 2004).

With hundreds of statistics and some hundred examples a class, the sample covariance cannot be
inverted with profit; it is drawn towards the identity, by the share that the examples themselves
tell.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FLOOR = 1e-9


@dataclass(frozen=True)
class Discriminant:
    """Classes that share one covariance.

    Attributes:
        centre: (D,) subtracted from a vector.
        whitening: (D, D), after which the classes have unit covariance.
        means: (C, D) of the classes, whitened.
    """

    centre: Floats
    whitening: Floats
    means: Floats

    def whitened(self, vectors: Floats) -> Floats:
        """(N, D) vectors in coordinates where distances are Mahalanobis distances."""
        return (vectors - self.centre) @ self.whitening

    def coordinates(self, vectors: Floats) -> Floats:
        """(N, C − 1) the part of whitened vectors that tells the classes apart."""
        _, _, axes = np.linalg.svd(self.means - self.means.mean(axis=0), full_matrices=False)
        telling: Floats = axes[: len(self.means) - 1]
        return self.whitened(vectors) @ telling.T

    def squared_distances(self, vectors: Floats) -> Floats:
        """(N, C) squared Mahalanobis distances of vectors (N, D) from the classes."""
        points = self.whitened(vectors)
        squared: Floats = np.square(points[:, None] - self.means).sum(axis=-1)
        return squared

    def scores(self, vectors: Floats, temperature: float = 1.0) -> Floats:
        """(N, C) logarithms of the classes' probabilities, all being as likely beforehand.

        Args:
            vectors: (N, D).
            temperature: above 1 it makes them less sure (Guo et al., ICML 2017).
        """
        logits = -self.squared_distances(vectors) / 2 / temperature
        logits -= logits.max(axis=1, keepdims=True)
        total: Floats = np.exp(logits).sum(axis=1, keepdims=True)
        return logits - np.log(total)


def fit(vectors: Floats, labels: NDArray[np.int64]) -> Discriminant:
    """The discriminant of examples.

    Args:
        vectors: (N, D).
        labels: (N,) classes 0 … C − 1, each with an example.
    """
    means = np.stack([vectors[labels == label].mean(axis=0) for label in range(labels.max() + 1)])
    inside = vectors - means[labels]
    scale = inside.std(axis=0) + FLOOR
    covariance = shrunken(inside / scale)
    values, axes = np.linalg.eigh(covariance)
    whitening = axes / np.sqrt(values) / scale[:, None]
    centre = vectors.mean(axis=0)
    return Discriminant(centre, whitening, (means - centre) @ whitening)


def shrunken(centred: Floats) -> Floats:
    """Covariance (D, D) of centred examples (N, D), drawn to a multiple of the identity.

    Ledoit and Wolf's share minimizes the expected squared error.
    """
    count, dimension = centred.shape
    sample = centred.T @ centred / count
    level = np.trace(sample) / dimension
    spread = np.sum(np.square(sample)) - level**2 * dimension
    noise = (np.square(np.square(centred).sum(axis=1)).sum() / count - np.sum(sample**2)) / count
    share = min(1.0, noise / spread)
    drawn: Floats = (1 - share) * sample + share * level * np.eye(dimension)
    return drawn
