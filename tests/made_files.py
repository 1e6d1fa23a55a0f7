"""Files of photographs of every kind, made by other means than the package reads them by."""

import io
import itertools
import struct
import zlib
from typing import NamedTuple

import numpy as np
import tifffile
from photograph_files import CHANNELS, PASSES, chunk, scene
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
H, W = 24, 40


class Made(NamedTuple):
    """A file, and what is in it: colours (H, W, 1 or 3) and opacity, or the reason of a refusal."""

    content: bytes
    colour: np.ndarray | None = None
    alpha: np.ndarray | None = None
    exact: bool = True
    refused: str = ""
    remark: str = ""
    orientation: int = 1


def files():
    """All files by name."""
    made = {}
    for part in (_png, _tiff, _tiff_by_pillow, _bmp, _webp, _jpeg, _turned, _refused):
        for name, one in part():
            assert name not in made
            made[name] = one
    return made


def saved(image, kind, **options):
    file = io.BytesIO()
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
    image.save(file, kind, **options)
    return file.getvalue()


# --- PNG


def packed(samples, depth):
    """Rows of samples of 1 to 16 bits as bytes."""
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in samples]
    flat = samples.reshape(len(samples), -1).astype(np.uint8)
    if depth == 8:
        return [row.tobytes() for row in flat]
    bits = np.unpackbits(flat[..., None], axis=2)[..., 8 - depth :].reshape(len(flat), -1)
    return [row.tobytes() for row in np.packbits(bits, axis=1)]


def png_file(samples, colour, depth, interlaced=False, before=b"", after=b"", end=b"IEND"):
    """Samples (H, W, C) as they stand in the file."""
    height, width = samples.shape[:2]
    stream = b""
    for x, y, dx, dy in PASSES if interlaced else [(0, 0, 1, 1)]:
        part = samples[y::dy, x::dx]
        if part.size:
            stream += b"".join(b"\0" + row for row in packed(part, depth))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), before]
    parts += [chunk(b"IDAT", zlib.compress(stream)), after, chunk(end, b"") if end else b""]
    return b"".join(parts)


DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def _png():
    for colour, depths in DEPTHS.items():
        for depth, interlaced, keyed in itertools.product(depths, (False, True), (False, True)):
            if keyed and colour in (4, 6):
                continue
            name = f"png {colour} {depth}{' interlaced' * interlaced}{' keyed' * keyed}"
            yield name, _one_png(colour, depth, interlaced, keyed)
    for note in (b"gAMA" + struct.pack(">I", 100000), b"sRGB\0", b"cHRM" + bytes(32)):
        pixels = scene(H, W)
        before = chunk(note[:4], note[4:])
        yield f"png with {note[:4]}", Made(png_file(pixels, 2, 8, before=before), pixels)
    pixels = scene(H, W, dtype=np.uint16)
    long = chunk(b"tEXt", b"Comment\0" + b"x" * 1_500_000) + chunk(
        b"zTXt", b"Software\0\0" + zlib.compress(b"y" * 3_000_000)
    )
    yield "png long notes", Made(png_file(pixels, 2, 16, before=long), pixels)
    noise = np.random.default_rng(0).bytes(2_000_000)
    profile = chunk(b"iCCP", b"huge\0\0" + zlib.compress(noise))
    yield "png long profile", Made(png_file(pixels, 2, 16, before=profile), pixels)
    wrong = bytearray(chunk(b"tEXt", b"Comment\0some text"))
    wrong[-1] ^= 1
    broken = "broken notes not kept: tEXt"
    yield "png broken note", Made(png_file(pixels, 2, 16, before=wrong), pixels, remark=broken)
    missing = png_file(pixels, 2, 16, end=b"")
    yield "png no end", Made(missing, pixels, remark="its end is missing")
    behind = "5 bytes behind the picture are not kept"
    yield "png more behind", Made(png_file(pixels, 2, 16) + b"extra", pixels, remark=behind)


def _one_png(colour, depth, interlaced, keyed):
    most = 2**depth - 1
    dtype = np.uint16 if depth == 16 else np.uint8
    white = np.iinfo(dtype).max
    channels = 1 if colour == 3 else CHANNELS[colour]
    samples = (scene(H, W, channels).astype(np.int64) * most) // 255
    if depth == 16:
        samples += np.indices(samples.shape)[1] % 7 * (samples < 60000)
    if colour == 3:
        rng = np.random.default_rng(1)
        colours = rng.integers(0, 256, (most + 1, 3), dtype=np.uint8)
        opacity = rng.integers(0, 256, most + 1, dtype=np.uint8)
        before = chunk(b"PLTE", colours.tobytes())
        before += chunk(b"tRNS", opacity.tobytes()) if keyed else b""
        index = samples[..., 0]
        alpha = opacity[index] if keyed else None
        content = png_file(samples, colour, depth, interlaced, before)
        return Made(content, colours[index], alpha, remark="the palette's colours became RGB")
    before, alpha, remark = b"", None, ""
    if keyed:
        key = samples[3, 5].copy()
        before = chunk(b"tRNS", key.astype(">u2").tobytes())
        alpha = np.where((samples == key).all(axis=2), 0, white).astype(dtype)
        remark = "the transparent colour became an alpha channel"
    shown = (samples * white // most).astype(dtype)
    if channels in (2, 4):
        shown, alpha = shown[..., :-1], shown[..., -1]
    if depth == 1:
        remark = "black and white became grey"
    return Made(png_file(samples, colour, depth, interlaced, before), shown, alpha, remark=remark)


# --- TIFF

LAYOUTS = {
    "strips": {"rowsperstrip": 7},
    "predicted": {"compression": "zlib", "predictor": True, "rowsperstrip": 9},
    "tiles": {"tile": (16, 32)},
    "predicted tiles": {"tile": (16, 16), "compression": "zlib", "predictor": True},
    "planes": {"planarconfig": "separate", "rowsperstrip": 7},
    "predicted planes": {"planarconfig": "separate", "compression": "zlib", "predictor": True},
    "big": {"bigtiff": True, "compression": "zlib"},
}
EXTRA = {1: [], 2: ["unassalpha"], 3: [], 4: ["unassalpha"], 5: ["unassalpha", "unspecified"]}


def tiff_file(samples, **options):
    file = io.BytesIO()
    if options.get("planarconfig") == "separate":
        samples = np.moveaxis(samples, -1, 0)
    elif samples.shape[-1] == 1:
        samples = samples[..., 0]
    tifffile.imwrite(file, np.ascontiguousarray(samples), metadata=None, **options)
    return file.getvalue()


def _tiff():
    for dtype, channels, order, layout in itertools.product(
        (np.uint8, np.uint16), EXTRA, "<>", LAYOUTS
    ):
        if channels == 1 and "planes" in layout:
            continue
        samples = scene(H, W, channels, dtype)
        colours = 3 if channels > 2 else 1
        kind = "rgb" if colours == 3 else "minisblack"
        options = {"photometric": kind, "byteorder": order, **LAYOUTS[layout]}
        if EXTRA[channels]:
            options["extrasamples"] = EXTRA[channels]
        alpha = samples[..., colours] if channels > colours else None
        name = f"tiff {np.dtype(dtype)} {channels} {order} {layout}"
        yield name, Made(tiff_file(samples, **options), samples[..., :colours], alpha)
    for dtype, order in itertools.product((np.uint8, np.uint16), "<>"):
        samples = scene(H, W, 1, dtype)
        name = f"tiff white is zero {np.dtype(dtype)} {order}"
        content = tiff_file(
            np.iinfo(dtype).max - samples, photometric="miniswhite", byteorder=order
        )
        yield name, Made(content, samples)
    for dtype in (np.uint8, np.uint16):
        white = np.iinfo(dtype).max
        colour, alpha = scene(H, W, 3, dtype), scene(H, W, 1, dtype)
        alpha = np.maximum(alpha, white // 2)
        stored = (colour.astype(np.uint64) * alpha + white // 2) // white
        samples = np.concatenate([stored.astype(dtype), alpha], axis=2)
        content = tiff_file(samples, photometric="rgb", extrasamples=["assocalpha"])
        yield (
            f"tiff associated {np.dtype(dtype)}",
            Made(content, colour, alpha[..., 0], exact=False),
        )
        inks = scene(H, W, 5, dtype)
        eight = inks if dtype == np.uint8 else np.rint(inks / 257).astype(np.uint8)
        plain = np.asarray(
            Image.fromarray(np.ascontiguousarray(eight[..., :4]), "CMYK").convert("RGB")
        )
        for profile in (None, SRGB):
            content = tiff_file(inks[..., :4], photometric="separated", iccprofile=profile)
            name = f"tiff inks {np.dtype(dtype)}{' profile' * bool(profile)}"
            yield name, Made(content, plain, remark="CMYK became RGB")
        content = tiff_file(inks, photometric="separated", extrasamples=["unassalpha"])
        made = Made(content, plain, eight[..., 4], remark="CMYK became RGB")
        yield f"tiff inks and opacity {np.dtype(dtype)}", made


def _tiff_by_pillow():
    rgb = scene(H, W)
    images = {
        "1": Image.fromarray(rgb[..., 0] > 128),
        "L": Image.fromarray(rgb[..., 0]),
        "LA": Image.fromarray(scene(H, W, 2)),
        "P": Image.fromarray(rgb).quantize(16),
        "RGB": Image.fromarray(rgb),
        "RGBA": Image.fromarray(scene(H, W, 4)),
        "CMYK": Image.fromarray(scene(H, W, 4), "CMYK"),
    }
    remarks = {
        "1": "black and white became grey",
        "P": "the palette's colours became RGB",
        "CMYK": "CMYK became RGB",
    }
    compressions = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4", "group3")
    for (mode, image), compression in itertools.product(images.items(), compressions):
        lossy = compression == "jpeg"
        if (str(compression).startswith("group") and mode != "1") or (
            lossy and mode in ("1", "P", "LA", "RGBA")
        ):
            continue
        content = saved(image, "TIFF", compression=compression)
        alpha = np.asarray(image)[..., -1] if mode in ("LA", "RGBA") else None
        shown = np.asarray(image.convert("L" if mode in ("1", "L", "LA") else "RGB"))
        colour = shown[..., None] if shown.ndim == 2 else shown
        made = Made(content, colour, alpha, not lossy, remark=remarks.get(mode, ""))
        yield f"tiff by pillow {mode} {compression}", made


# --- the others


def bmp_file(rows, bits, width, height, compression=0, palette=b"", masks=b""):
    """A BMP file of 40 bytes of header."""
    start = 14 + 40 + len(masks) + len(palette)
    header = struct.pack("<2sIII", b"BM", start + len(rows), 0, start)
    colours = len(palette) // 4
    about = (40, width, height, 1, bits, compression, len(rows), 2835, 2835, colours, 0)
    return header + struct.pack("<IiiHHIIiiII", *about) + masks + palette + rows


def _bmp():
    rgb = scene(H, W)
    for name, image in (
        ("1", Image.fromarray(rgb[..., 0] > 128)),
        ("8 grey", Image.fromarray(rgb[..., 0])),
        ("8", Image.fromarray(rgb).quantize(200)),
        ("24", Image.fromarray(rgb)),
    ):
        shown = np.asarray(image.convert("RGB" if image.mode in ("P", "RGB") else "L"))
        remark = {"1": "black and white became grey", "8": "the palette's colours became RGB"}
        colour = shown[..., None] if shown.ndim == 2 else shown
        yield f"bmp {name}", Made(saved(image, "BMP"), colour, remark=remark.get(name, ""))
    colours = np.random.default_rng(2).integers(0, 256, (16, 4), dtype=np.uint8)
    index = (scene(H, W, 1)[..., 0] // 16).astype(np.uint8)
    shown = colours[index][..., 2::-1]
    rows = b"".join(packed(index[::-1, :, None], 4))
    palette, remark = colours.tobytes(), "the palette's colours became RGB"
    yield "bmp 4", Made(bmp_file(rows, 4, W, H, 0, palette), shown, remark=remark)
    rle = b"".join(b"".join(bytes([1, v]) for v in row) + b"\0\0" for row in index[::-1]) + b"\0\1"
    yield "bmp rle8", Made(bmp_file(rle, 8, W, H, 1, palette + bytes(960)), shown, remark=remark)
    rle = (
        b"".join(b"".join(bytes([1, v << 4]) for v in row) + b"\0\0" for row in index[::-1])
        + b"\0\1"
    )
    yield "bmp rle4", Made(bmp_file(rle, 4, W, H, 2, palette), shown, remark=remark)
    for name, depths in (("5-5-5", (5, 5, 5)), ("5-6-5", (5, 6, 5))):
        deep = [rgb[::-1, :, i].astype(int) >> (8 - d) for i, d in enumerate(depths)]
        word = (deep[0] << (depths[1] + depths[2])) | (deep[1] << depths[2]) | deep[2]
        shown = [d * 255 // (2**b - 1) for d, b in zip(deep, depths, strict=True)]
        masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F) if depths[1] == 6 else b""
        content = bmp_file(word.astype("<u2").tobytes(), 16, W, H, 3 if masks else 0, masks=masks)
        yield f"bmp {name}", Made(content, np.stack(shown, -1)[::-1].astype(np.uint8))
    four = scene(H, W, 4)
    rows = four[::-1, :, [2, 1, 0, 3]].tobytes()
    remark = "the fourth byte of its pixels, of no meaning in BMP, is not kept"
    yield "bmp 32", Made(bmp_file(rows, 32, W, H), four[..., :3], remark=remark)
    rows = four[:, :, [2, 1, 0, 3]].copy()
    rows[..., 3] = 0
    yield "bmp 32 top down", Made(bmp_file(rows.tobytes(), 32, W, -H), four[..., :3])
    head = struct.pack("<2sIII", b"BM", 0, 0, 138) + struct.pack(
        "<IiiHHIIiiII", 124, W, -H, 1, 32, 3, 0, 0, 0, 0, 0
    )
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    content = head + masks + bytes(68) + four[:, :, [2, 1, 0, 3]].tobytes()
    yield "bmp 32 opacity", Made(content, four[..., :3], four[..., 3])


def _webp():
    for channels in (3, 4):
        pixels = scene(H, W, channels)
        alpha = pixels[..., 3] if channels == 4 else None
        content = saved(pixels, "WEBP", lossless=True, exact=True)
        yield f"webp lossless {channels}", Made(content, pixels[..., :3], alpha)
        content = saved(pixels, "WEBP", quality=95)
        yield f"webp lossy {channels}", Made(content, pixels[..., :3], alpha, exact=False)


def _jpeg():
    for channels, progressive in itertools.product((1, 3), (False, True)):
        pixels = scene(H, W, channels)
        content = saved(pixels, "JPEG", quality=97, subsampling=0, progressive=progressive)
        name = f"jpeg {channels}{' progressive' * progressive}"
        yield name, Made(content, pixels, exact=False)
        remark = "its end marker is missing"
        yield f"{name} no end", Made(content[:-2], pixels, exact=False, remark=remark)
        yield f"{name} half an end", Made(content[:-1], pixels, exact=False, remark=remark)
        yield f"{name} cut", Made(content[: len(content) * 2 // 3], refused="truncated")
    pixels = scene(H, W, 4)
    plain = np.asarray(Image.fromarray(pixels, "CMYK").convert("RGB"))
    for profile in (None, SRGB):
        image = Image.fromarray(pixels, "CMYK")
        content = saved(image, "JPEG", quality=98, subsampling=0, icc_profile=profile)
        made = Made(content, plain, exact=False, remark="CMYK became RGB")
        yield f"jpeg inks{' profile' * bool(profile)}", made
    frames = [Image.fromarray(scene(H, W, seed=i)) for i in range(2)]
    content = saved(frames[0], "MPO", save_all=True, append_images=frames[1:], quality=97)
    remark = "only the first of the file's pictures is restored, the others stay as they are"
    yield "jpeg of two pictures", Made(content, scene(H, W), exact=False, remark=remark)


def _turned():
    pixels = scene(H, W)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        for kind, options in (
            ("PNG", {}),
            ("WEBP", {"lossless": True}),
            ("JPEG", {"quality": 97, "subsampling": 0}),
            ("TIFF", {}),
            ("TIFF", {"compression": "jpeg"}),
        ):
            content = saved(pixels, kind, exif=exif, **options)
            name = f"{kind.lower()} turned {orientation}{' packed' * ('compression' in options)}"
            yield (
                name,
                Made(
                    content,
                    pixels,
                    None,
                    kind != "JPEG" and "packed" not in name,
                    orientation=orientation,
                ),
            )


def _refused():
    frames = [Image.fromarray(scene(H, W, seed=i)) for i in range(3)]
    several = {"save_all": True, "append_images": frames[1:]}
    for kind in ("PNG", "WEBP", "TIFF"):
        content = saved(frames[0], kind, **several)
        yield f"{kind} of three", Made(content, refused="3 pictures")
    yield "gif", Made(saved(frames[0], "GIF"), refused="no photograph in")
    yield "text", Made(b"just text", refused="no photograph in")
    yield "nothing", Made(b"", refused="no photograph in")
    for dtype, channels, reason in (
        (np.int8, 1, "signed integers"),
        (np.int16, 1, "signed integers"),
        (np.int16, 3, "signed integers"),
        (np.float16, 1, "floats"),
        (np.float32, 1, "floats"),
        (np.float32, 3, "floats"),
        (np.float64, 1, "floats"),
        (np.uint32, 1, "32 bits"),
    ):
        content = tiff_file(np.zeros((H, W, channels), dtype))
        yield f"tiff {np.dtype(dtype)} {channels}", Made(content, refused=reason)
    lab = Image.new("LAB", (W, H))
    yield "tiff lab", Made(saved(lab, "TIFF"), refused="kind LAB")
    whole = png_file(scene(H, W), 2, 8)
    yield "png cut", Made(whole[: len(whole) // 2], refused="truncated")
    damaged = bytearray(whole)
    damaged[100] ^= 255
    yield "png damaged", Made(bytes(damaged), refused="the chunk IDAT has a wrong checksum")
    damaged = bytearray(whole)
    damaged[30] ^= 255
    yield "png damaged header", Made(bytes(damaged), refused="the chunk IHDR has a wrong checksum")
