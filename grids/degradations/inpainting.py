"""Missing pixels under straight lines, all white or all black in one image."""

from typing import Any

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


def degrade(images: Tensor, draws: list[dict[str, Any]], generators: list[Generator]) -> Tensor:
    height, width = images.shape[-2:]
    device, scale = images.device, (height * width) ** 0.5 / REFERENCE_SIDE
    # (lines, 2 ends, x and y), then one number that chooses the colour.
    uniform = [
        torch.rand(4 * draw["lines"] + 1, generator=generator, device=device)
        for draw, generator in zip(draws, generators, strict=True)
    ]
    size = torch.tensor([width, height], device=device)
    ends = torch.cat([numbers[:-1] for numbers in uniform]).view(-1, 2, 2) * size
    white = torch.stack([numbers[-1] < 0.5 for numbers in uniform])
    # A line is never thinner than a pixel, or small images would keep it in part only.
    distance = torch.tensor(
        [max(1.0, draw["thickness"] * scale) / 2 for draw in draws], dtype=torch.double
    )
    image = torch.arange(len(draws)).repeat_interleave(
        torch.tensor([draw["lines"] for draw in draws])
    )
    mask = _near(ends, distance[image].to(device), image.to(device), (len(draws), height, width))
    # In numbers: choosing by a mask that all channels share takes several times as long.
    kept, paint = (~mask).to(images.dtype), (mask & white[:, None, None]).to(images.dtype)
    return images.mul(kept[:, None]).add_(paint[:, None])


def _near(ends: Tensor, distance: Tensor, image: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Pixels whose centre is within a distance of a segment, of which each image has some.

    Args:
        ends: (lines, 2 ends, x and y).
        distance: (lines,).
        image: (lines,), the image that each segment belongs to.
        shape: (images, height, width) of the result.
    """
    rows = torch.arange(shape[1], device=ends.device)
    left, right = _intervals(ends.double(), rows + 0.5, distance[:, None])
    # Whole columns: the first, and the one behind the last.
    first = (left - 0.5).ceil().clamp(0, shape[2]).long()
    behind = ((right - 0.5).floor() + 1).clamp(0, shape[2]).long().maximum(first)
    # How many intervals begin less how many have ended, summed up from the left.
    steps = torch.zeros(shape[0], shape[1], shape[2] + 1, dtype=torch.int32, device=ends.device)
    one = torch.ones((), dtype=torch.int32, device=ends.device)
    steps.index_put_((image[:, None], rows, first), one, accumulate=True)
    steps.index_put_((image[:, None], rows, behind), -one, accumulate=True)
    return steps[..., :-1].cumsum(-1, dtype=steps.dtype) > 0


def _intervals(ends: Tensor, y: Tensor, distance: Tensor) -> tuple[Tensor, Tensor]:
    """The part (left, right) of each row that is near each segment, (lines, rows) each.

    It is one interval, since the pixels near a segment are a convex set: a disk about each end and
    a rectangle between them. Where there is none, left is above right.
    """
    x, up = ends[..., :1], y - ends[..., 1:]
    half = (distance[:, None] ** 2 - up**2).sqrt()  # NaN above and below a disk
    # The rectangle lies between two lines along the segment and two across its ends.
    dx, dy = (ends[:, 1] - ends[:, 0])[..., None].unbind(1)
    dx, dy = (torch.where(d == 0, 1e-9, d) for d in (dx, dy))
    reach, up = distance * torch.hypot(dx, dy), up[:, 0]
    along = torch.stack([up * dx - reach, up * dx + reach]) / dy
    across = torch.stack([-up * dy, dx**2 + dy**2 - up * dy]) / dx
    left = torch.maximum(along.amin(0), across.amin(0)) + x[:, 0]
    right = torch.minimum(along.amax(0), across.amax(0)) + x[:, 0]
    none = left > right
    lefts = [*(x - half).nan_to_num(torch.inf).unbind(1), left.masked_fill(none, torch.inf)]
    rights = [*(x + half).nan_to_num(-torch.inf).unbind(1), right.masked_fill(none, -torch.inf)]
    return torch.stack(lefts).amin(0), torch.stack(rights).amax(0)
