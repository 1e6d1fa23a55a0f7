"""Files of photographs for tests, and readers of them that share no code with the package."""

import io
import struct
import zlib

import numpy as np
from hypothesis import strategies as st
from PIL import Image

CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
PASSES = [*PASSES, (0, 1, 1, 2)]


def scene(height=48, width=64, channels=3, dtype=np.uint8, seed=0):
    """Smooth colours with noise: nothing symmetric, no two channels alike."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = [0.5 + 0.4 * np.sin(6 * x * (c + 1) + 4 * y + c) for c in range(channels)]
    values = np.clip(np.stack(waves, -1) + 0.02 * rng.standard_normal((height, width, 1)), 0, 1)
    return (values * np.iinfo(dtype).max).astype(dtype)


def chunk(kind, content):
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def _predicted(kind, left, above, corner):
    if kind < 4:
        return (0, left, above, (left + above) // 2)[kind]
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))


def _filtered(rows, step, kinds, sign):
    """Applies (sign −1) or undoes (+1) the filters of PNG, byte by byte."""
    previous, result = bytes(len(rows[0])), []
    for row, kind in zip(rows, kinds, strict=True):
        out = bytearray()
        for i, value in enumerate(row):
            known = out if sign > 0 else row
            left = known[i - step] if i >= step else 0
            corner = previous[i - step] if i >= step else 0
            out.append((value + sign * _predicted(kind, left, previous[i], corner)) % 256)
        previous = bytes(out) if sign > 0 else row
        result.append(bytes(out))
    return result


def png16(pixels, colour, interlaced=False, before=b"", after=b""):
    """A PNG file of 16 bits whose rows take turns with the five filters."""
    height, width = pixels.shape[:2]
    step = 2 * CHANNELS[colour]
    stream = b""
    for x, y, dx, dy in PASSES if interlaced else [(0, 0, 1, 1)]:
        part = pixels[y::dy, x::dx]
        if part.size:
            rows = [row.astype(">u2").tobytes() for row in part]
            kinds = [i % 5 for i in range(len(rows))]
            coded = _filtered(rows, step, kinds, -1)
            stream += b"".join(bytes([k]) + row for k, row in zip(kinds, coded, strict=True))
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + before
        + chunk(b"IDAT", zlib.compress(stream))
        + after
        + chunk(b"IEND", b"")
    )


def read_png(path):
    """Pixels (H, W, C) of a PNG file that is not interlaced, and its chunks."""
    content, at, chunks = path.read_bytes(), 8, []
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        body = content[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", content, at + 8 + length)[0] == zlib.crc32(kind + body)
        chunks.append((kind, body))
        at += 12 + length
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks[0][1])
    stream = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    count, size = CHANNELS[colour], depth // 8
    pitch = 1 + width * count * size
    lines = [stream[i * pitch : (i + 1) * pitch] for i in range(height)]
    rows = _filtered([x[1:] for x in lines], count * size, [x[0] for x in lines], 1)
    pixels = np.frombuffer(b"".join(rows), ">u2" if size == 2 else np.uint8)
    return pixels.reshape(height, width, count).astype(f"u{size}"), chunks


def shown(path):
    """What a viewer shows: pixels as Pillow decodes and turns them."""
    from PIL import ImageOps

    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image))


@st.composite
def damaged(draw, pixels):
    """The bytes of a PNG, JPEG, WebP or TIFF file in which a few are others anywhere."""
    kind = draw(st.sampled_from(["png", "jpeg", "webp", "tiff"]))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    content = bytearray(buffer.getvalue())
    for _ in range(draw(st.integers(1, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content)
