"""Restormer's blocks by their plain formulas, slow and literal: what tests hold its networks to.

`p` is a state dict and `name` where in it the part stands.
"""

import math

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
                deviation = math.sqrt(((pixel - mean) ** 2).mean() + 1e-5)
                if f"{name}.bias" in p:
                    out[b, :, i, j] = (pixel - mean) / deviation * p[f"{name}.weight"]
                    out[b, :, i, j] += p[f"{name}.bias"]
                else:
                    out[b, :, i, j] = pixel / deviation * p[f"{name}.weight"]
    return out


def plain_attention(p, name, x, heads):
    """Each image and head by itself, rows of q and k normalised one by one."""
    channels, height, width = x.shape[1:]
    y = F.conv2d(x, p[f"{name}.qkv.weight"])
    y = F.conv2d(y, p[f"{name}.qkv_dwconv.weight"], padding=1, groups=3 * channels)
    part = channels // heads
    images = []
    for q, k, v in zip(*y.split(channels, 1), strict=True):
        rows = []
        for head in range(heads):
            own = slice(head * part, (head + 1) * part)
            a, b, c = (t[own].reshape(part, -1) for t in (q, k, v))
            a = torch.stack([row / max(row.norm(), 1e-12) for row in a])
            b = torch.stack([row / max(row.norm(), 1e-12) for row in b])
            scores = (a @ b.T) * p[f"{name}.temperature"][head, 0, 0]
            rows.append(torch.stack([row.exp() / row.exp().sum() for row in scores]) @ c)
        images.append(torch.cat(rows).reshape(channels, height, width))
    return F.conv2d(torch.stack(images), p[f"{name}.project_out.weight"])


def plain_feed_forward(p, name, x):
    y = F.conv2d(x, p[f"{name}.project_in.weight"])
    y = F.conv2d(y, p[f"{name}.dwconv.weight"], padding=1, groups=y.shape[1])
    gate, content = y.split(y.shape[1] // 2, 1)
    gate = gate * 0.5 * (1 + torch.erf(gate / math.sqrt(2)))
    return F.conv2d(gate * content, p[f"{name}.project_out.weight"])


def plain_block(p, name, x, heads):
    x = x + plain_attention(p, f"{name}.attn", plain_norm(p, f"{name}.norm1.body", x), heads)
    return x + plain_feed_forward(p, f"{name}.ffn", plain_norm(p, f"{name}.norm2.body", x))
