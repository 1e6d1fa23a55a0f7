"""Missing pixels under straight lines, all white or all black in one image."""

import torch
from torch import Generator, Tensor

PARAMETERS = {
    "lines": {
        "evaluation": [5, 10],
        "training": [5, 10],
        "range": [1, 100],
        "is": "number of lines",
    },
    "thickness": {
        "evaluation": [5.0, 10.0],
        "training": [5.0, 10.0],
        "range": [0.1, 256.0],
        "is": "width of the lines in pixels of an image of 256×256; it grows with the image",
    },
}
SEVERITIES = [
    {"lines": 1},
    {"lines": 3},
    {"lines": 6},
    {"lines": 10},
    {"lines": 20},
]
REFERENCE_SIDE = 256


def degrade(images: Tensor, draws: list[dict], generators: list[Generator]) -> Tensor:
    height, width = images.shape[-2:]
    scale = (height * width) ** 0.5 / REFERENCE_SIDE
    painted = []
    for image, draw, generator in zip(images, draws, generators, strict=True):
        # (lines, 2 ends, x and y), then one number that chooses the colour.
        uniform = torch.rand(4 * draw["lines"] + 1, generator=generator, device=images.device)
        ends = uniform[:-1].view(-1, 2, 2) * torch.tensor([width, height], device=images.device)
        # A line is never thinner than a pixel, or small images would keep it in part only.
        mask = _near(ends, height, width, max(1.0, draw["thickness"] * scale) / 2)
        painted.append(torch.where(mask, (uniform[-1] < 0.5).to(image.dtype), image))
    return torch.stack(painted)


def _near(ends: Tensor, height: int, width: int, distance: float) -> Tensor:
    """Pixels (h, w) whose centre is within `distance` of a segment (lines, 2 ends, x and y)."""
    y = torch.arange(height, device=ends.device)[:, None] + 0.5
    x = torch.arange(width, device=ends.device)[None] + 0.5
    mask = torch.zeros(height, width, dtype=torch.bool, device=ends.device)
    for (x0, y0), (dx, dy) in zip(ends[:, 0], ends[:, 1] - ends[:, 0], strict=True):
        along = ((x - x0) * dx + (y - y0) * dy) / (dx**2 + dy**2).clamp(min=1e-12)
        along = along.clamp(0, 1)
        mask |= (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2 <= distance**2
    return mask
