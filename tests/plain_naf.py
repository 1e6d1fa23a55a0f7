"""NAFNet's blocks by their plain formulas, slow and literal: what tests hold its networks to.

`p` is a state dict and `name` where in it the part stands.
"""

import torch
import torch.nn.functional as F


def plain_norm(p, name, x):
    """Each pixel by itself."""
    out = torch.empty_like(x)
    for b in range(x.shape[0]):
        for i in range(x.shape[2]):
            for j in range(x.shape[3]):
                pixel = x[b, :, i, j]
                mean = pixel.mean()
                deviation = (((pixel - mean) ** 2).mean() + 1e-6).sqrt()
                scaled = (pixel - mean) / deviation
                out[b, :, i, j] = scaled * p[f"{name}.weight"] + p[f"{name}.bias"]
    return out


def plain_gate(x):
    half = x.shape[1] // 2
    return torch.stack([x[:, c] * x[:, c + half] for c in range(half)], 1)


def plain_attention(p, name, x):
    """Each image's channels times what one matrix makes of their means."""
    matrix, bias = p[f"{name}.weight"][:, :, 0, 0], p[f"{name}.bias"]
    images = []
    for image in x:
        means = torch.stack([channel.sum() / channel.numel() for channel in image])
        factors = matrix @ means + bias
        images.append(torch.stack([f * c for f, c in zip(factors, image, strict=True)]))
    return torch.stack(images)


def plain_block(p, name, x):
    def conv(part, y, **options):
        return F.conv2d(y, p[f"{name}.{part}.weight"], p[f"{name}.{part}.bias"], **options)

    y = conv("conv1", plain_norm(p, f"{name}.norm1", x))
    y = plain_gate(conv("conv2", y, padding=1, groups=y.shape[1]))
    x = x + conv("conv3", plain_attention(p, f"{name}.sca.1", y)) * p[f"{name}.beta"]
    y = plain_gate(conv("conv4", plain_norm(p, f"{name}.norm2", x)))
    return x + conv("conv5", y) * p[f"{name}.gamma"]
