"""Files of photographs: the right pixels, and what belongs to them, in and out."""

import io
import os
import struct
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from photograph_files import chunk, png16, read_png, scene, shown
from PIL import Image, ImageCms

from grids.base.errors import InputError
from grids.images import decoding
from grids.restoring import photographs

STATEMENT = {"group": "jpeg", "reason": 'a "quoted" <reason> & more'}
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
OLD_XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="x"/>'
    b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def saved(folder, name, pixels, **options):
    path = folder / name
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(path, **options)
    return path


def again(path, change=lambda colour: colour):
    """Reads a file, changes its colours, writes it and reads the result."""
    photograph = photographs.read(path)
    target = path.with_name("restored " + path.name)
    photographs.write(photograph, change(photograph.colour), target, STATEMENT)
    return photograph, target


def statements(packet):
    """All properties in a packet, by local name."""
    root = ET.fromstring(packet)
    found = {}
    for description in root.iter(f"{RDF}Description"):
        found |= {name.partition("}")[2]: value for name, value in description.attrib.items()}
    return found


def packet_of(path):
    with Image.open(path) as image:
        image.load()
        packet = image.info.get("xmp") or image.info["XML:com.adobe.xmp"]
        return packet.encode() if isinstance(packet, str) else packet


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "bmp"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_eight_bits_go_through_unchanged(tmp_path, suffix, channels):
    if (suffix, channels) in {("webp", 1), ("webp", 2), ("bmp", 2), ("bmp", 4)}:
        pytest.skip("the format has no such pixels")
    pixels = scene(channels=channels)
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    photograph, target = again(saved(tmp_path, f"a.{suffix}", pixels, **options))
    colour = np.repeat(pixels[..., :1], 3, 2) if channels < 3 else pixels[..., :3]
    np.testing.assert_array_equal(photograph.colour, colour)
    assert photograph.grey == photograph.grey_file == (channels < 3)
    assert not photograph.remarks
    np.testing.assert_array_equal(shown(target), pixels.squeeze())


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (4, 2), (2, 3), (6, 4)])
def test_png_of_sixteen_bits(tmp_path, colour, channels, interlaced):
    pixels = scene(21, 19, channels, np.uint16)
    path = tmp_path / "a.png"
    path.write_bytes(png16(pixels, colour, interlaced))
    photograph, target = again(path)
    assert photograph.colour.dtype == np.uint16
    np.testing.assert_array_equal(photograph.colour[..., 0], pixels[..., 0])
    written, _ = read_png(target)
    np.testing.assert_array_equal(written, pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib", "predictor": True}, {"tile": (16, 32)}]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_against_tifffile(tmp_path, dtype, channels, options, order):
    pixels = scene(50, 70, channels, dtype)
    path = tmp_path / "a.tif"
    kind = {"photometric": "rgb" if channels > 2 else "minisblack", "byteorder": order}
    if channels == 4:
        kind["extrasamples"] = ["unassalpha"]
    tifffile.imwrite(path, pixels.squeeze(), **kind, **options)
    photograph, target = again(path)
    assert photograph.colour.dtype == dtype
    np.testing.assert_array_equal(photograph.colour[..., 0], pixels[..., 0])
    np.testing.assert_array_equal(tifffile.imread(target), pixels.squeeze())


def test_tiff_whose_zero_is_white_is_read_and_written_as_it_looks(tmp_path):
    for dtype in (np.uint8, np.uint16):
        pixels = scene(20, 20, 1, dtype)[..., 0]
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, np.iinfo(dtype).max - pixels, photometric="miniswhite")
        photograph, target = again(path)
        np.testing.assert_array_equal(photograph.colour[..., 0], pixels)
        np.testing.assert_array_equal(tifffile.imread(target), pixels)


def test_tiff_of_eight_bits_in_separate_planes(tmp_path):
    pixels = scene(20, 30)
    (tmp_path / "a.tif").write_bytes(
        tiff(pixels.transpose(2, 0, 1), planarconfig="separate", photometric="rgb")
    )
    _, target = again(tmp_path / "a.tif")
    np.testing.assert_array_equal(tifffile.imread(target), pixels)


def test_large_tiff_of_many_strips(tmp_path):
    pixels = scene(700, 500, 3, np.uint16)
    path = tmp_path / "a.tiff"
    tifffile.imwrite(path, pixels, photometric="rgb")
    _, target = again(path)
    with tifffile.TiffFile(target) as file:
        assert len(file.pages[0].dataoffsets) > 1
        np.testing.assert_array_equal(file.asarray(), pixels)


def test_neutral_pixels_stay_neutral_and_colour_files_stay_colour(tmp_path):
    grey = np.repeat(scene(channels=1), 3, axis=2)
    _, target = again(saved(tmp_path, "a.png", grey), lambda x: x + np.uint8([3, 0, 1]))
    np.testing.assert_array_equal(shown(target), grey + np.uint8(1))


def test_palette_with_transparency(tmp_path):
    indices = Image.fromarray((scene(channels=1)[..., 0] // 64).astype(np.uint8), "L").convert("P")
    colours = np.array([[9, 8, 7], [10, 200, 30], [90, 5, 66], [250, 251, 3]], np.uint8)
    indices.putpalette(colours.tobytes())
    path = tmp_path / "a.png"
    indices.save(path, transparency=bytes([0, 255, 77, 255]))
    photograph, target = again(path)
    position = np.asarray(indices)
    alpha = np.array([0, 255, 77, 255], np.uint8)[position]
    expected = np.dstack([colours[position], alpha])
    np.testing.assert_array_equal(shown(target), expected)
    assert "palette" in photograph.remarks[0]


def test_black_and_white_becomes_grey(tmp_path):
    bits = scene(channels=1)[..., 0] > 128
    path = tmp_path / "a.tif"
    Image.fromarray(bits).save(path)
    photograph, target = again(path, lambda x: x // 2)
    np.testing.assert_array_equal(shown(target), np.where(bits, 127, 0))
    assert photograph.grey_file


@pytest.mark.parametrize("deep", [False, True])
def test_a_transparent_colour_becomes_alpha(tmp_path, deep):
    pixels = scene(20, 30, 3, np.uint16 if deep else np.uint8)
    pixels[5:9, 6:8] = key = (300 % 256, 2, 3)
    path = tmp_path / "a.png"
    if deep:
        path.write_bytes(png16(pixels, 2, before=chunk(b"tRNS", struct.pack(">HHH", *key))))
    else:
        Image.fromarray(pixels).save(path, transparency=key)
    photograph, target = again(path)
    written, _ = read_png(target)
    hidden = (pixels == key).all(axis=2)
    np.testing.assert_array_equal(written[..., :3], pixels)
    np.testing.assert_array_equal(written[..., 3] == 0, hidden)
    assert photograph.remarks == (decoding.KEY_COLOUR,)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
@pytest.mark.parametrize("profile", [None, b"no profile"])
def test_cmyk_becomes_rgb_without_its_profile(tmp_path, suffix, profile):
    inks = Image.fromarray(scene(channels=4), "CMYK")
    path = tmp_path / f"a.{suffix}"
    inks.save(path, icc_profile=profile, **({"quality": 95} if suffix == "jpg" else {}))
    photograph, target = again(path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(photograph.colour, np.asarray(image.convert("RGB")))
    with Image.open(target) as image:
        assert image.mode == "RGB"
        assert "icc_profile" not in image.info
    assert "CMYK" in photograph.remarks[0]


def test_jpeg_is_written_at_high_quality(tmp_path):
    for name, channels in (("a.jpg", 3), ("b.jpeg", 1)):
        path = saved(tmp_path, name, scene(channels=channels), format="jpeg", progressive=True)
        _, target = again(path)
        with Image.open(target) as image:
            assert image.format == "JPEG"
            assert image.info["progressive"]
            assert image.mode == ("RGB" if channels == 3 else "L")
        assert np.abs(shown(target).astype(int) - shown(path)).mean() < 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp", "jpg", "tif"])
def test_orientation(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x829A] = 0.25
    exif.load(exif.tobytes())  # Pillow writes sub-directories into TIFF only if they were read
    pixels = scene(24, 40)
    options = {"webp": {"lossless": True}, "jpg": {"quality": 95}}.get(suffix, {})
    path = saved(tmp_path, f"a.{suffix}", pixels, exif=exif, **options)
    _, target = again(path)
    before, after = shown(path), shown(target)
    assert before.shape == after.shape
    np.testing.assert_allclose(after.astype(int), before, atol=8 if suffix == "jpg" else 0)
    with Image.open(target) as image:
        assert image.getexif()[0x010F] == "Maker"
        assert image.getexif().get_ifd(0x8769)[0x829A] == 0.25


@pytest.mark.parametrize("suffix", ["png", "webp", "jpg", "tif"])
def test_profile_and_xmp(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    image = Image.fromarray(scene())
    options = {"icc_profile": PROFILE}
    if suffix == "png":
        from PIL.PngImagePlugin import PngInfo

        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", OLD_XMP.decode())
        options["pnginfo"].add_text("Author", "somebody")
    elif suffix == "tif":
        options["tiffinfo"] = {700: OLD_XMP, 315: "somebody"}
    else:
        options["xmp"] = OLD_XMP
    image.save(path, **options)
    _, target = again(path)
    _, twice = again(target)
    for result in (target, twice):
        with Image.open(result) as image:
            assert image.info["icc_profile"] == PROFILE
            if suffix == "png":
                assert image.text["Author"] == "somebody"
            if suffix == "tif":
                assert image.tag_v2[315] == "somebody"
        packet = packet_of(result)
        assert statements(packet) == {"about": "", "format": "x"} | STATEMENT
        assert packet.count(b"urn:grids:restore") == 1


@pytest.mark.parametrize("suffix", ["png", "webp", "jpg", "tif"])
def test_a_packet_is_made_where_there_is_none(tmp_path, suffix):
    path = saved(tmp_path, f"a.{suffix}", scene())
    _, target = again(path)
    assert statements(packet_of(target)) == {"about": ""} | STATEMENT


def test_notes_of_png_stay_byte_by_byte(tmp_path):
    colours = chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"cHRM", bytes(32))
    behind = chunk(b"tEXt", b"Comment\0behind the pixels") + chunk(b"prVt", b"unknown")
    behind += chunk(b"prVT", b"holds for the pixels as they are")
    path = tmp_path / "a.png"
    path.write_bytes(png16(scene(8, 8, 3, np.uint16), 2, before=colours, after=behind))
    photograph, target = again(path)
    _, chunks = read_png(target)
    kinds = [kind for kind, _ in chunks]
    notes = [b"gAMA", b"cHRM", b"tEXt", b"prVt", b"iTXt"]
    assert kinds == [b"IHDR", *notes, b"IDAT", b"IDAT", b"IEND"]
    assert (b"tEXt", b"Comment\0behind the pixels") in chunks
    assert photograph.remarks == ("notes about the old pixels not kept: prVT",)


def test_xmp_that_is_too_long_for_a_jpeg_file_is_left_as_it_is(tmp_path):
    long = OLD_XMP.replace(b'"x"', b'"' + b"x" * 65200 + b'"')
    path = saved(tmp_path, "a.jpg", scene(), xmp=long)
    _, target = again(path)
    assert packet_of(target) == long


def test_eight_bits_of_sixteen():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1).repeat(3, 2)
    photograph = photographs.Photograph(values, None, True, True, "PNG", [], b"", ())
    np.testing.assert_array_equal(photograph.eight_bits, np.rint(values / 257).astype(np.uint8))


def tiff(pixels, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, np.ascontiguousarray(pixels), **options)
    return file.getvalue()


def broken_files():
    whole = io.BytesIO()
    Image.fromarray(scene()).save(whole, "png")
    content = whole.getvalue()
    frames = [Image.fromarray(scene(seed=i)) for i in range(2)]
    moving, pages, jpeg = io.BytesIO(), io.BytesIO(), io.BytesIO()
    frames[0].save(moving, "webp", save_all=True, append_images=frames[1:], lossless=True)
    frames[0].save(pages, "tiff", save_all=True, append_images=frames[1:])
    frames[0].save(jpeg, "jpeg")
    gif, floats = io.BytesIO(), io.BytesIO()
    frames[0].save(gif, "gif")
    Image.fromarray(np.zeros((9, 9), np.float32)).save(floats, "tiff")
    huge = struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0)
    return {
        "zero.png": (b"", "no photograph"),
        "text.png": (b"not an image", "no photograph"),
        "gif.png": (gif.getvalue(), "no photograph"),
        "truncated.png": (content[: len(content) // 2], "truncated"),
        "truncated.jpg": (jpeg.getvalue()[:600], "truncated"),
        "flipped.png": (content[:60] + bytes([content[60] ^ 255]) + content[61:], r"\(.+\)"),
        "moving.webp": (moving.getvalue(), "2 pictures"),
        "pages.tif": (pages.getvalue(), "2 pictures"),
        "floats.tif": (floats.getvalue(), "unsigned integers"),
        "signed.tif": (tiff(np.zeros((9, 9), np.int8)), "unsigned integers"),
        "long.tif": (tiff(np.zeros((9, 9), np.uint32)), "32 bits"),
        "bomb.png": (
            content[:8] + chunk(b"IHDR", huge) + chunk(b"IDAT", zlib.compress(b"")),
            "exceed the limit",
        ),
    }


@pytest.mark.parametrize("name", broken_files())
def test_broken_files_are_named_in_one_line(tmp_path, name):
    content, reason = broken_files()[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as error:
        photographs.read(path)
    assert str(error.value).startswith(f"{path}: cannot be read (")
    assert "\n" not in str(error.value)


def test_what_cannot_be_written_is_named_and_leaves_nothing(tmp_path):
    photograph = photographs.read(saved(tmp_path, "a.png", scene()))
    (tmp_path / "out").write_text("a file where a folder is needed")
    with pytest.raises(InputError, match="cannot be written"):
        photographs.write(photograph, photograph.colour, tmp_path / "out" / "a.png", {})
    (tmp_path / "b.png").mkdir()
    with pytest.raises(InputError, match=r"b\.png: cannot be written"):
        photographs.write(photograph, photograph.colour, tmp_path / "b.png", {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.png", "out"]


def with_everything(kind):
    """A small file of a format with orientation, profile, XMP and, where it may, 16 bits."""
    pixels, file = scene(16, 24, 4 if kind in ("PNG", "TIFF", "WEBP") else 3), io.BytesIO()
    notes = Image.Exif()
    notes[0x0112], notes[0x010E] = 6, "a view"
    options = {"exif": notes, "icc_profile": PROFILE}
    if kind in ("JPEG", "WEBP"):
        options["xmp"] = OLD_XMP
    if kind == "TIFF":
        options["compression"] = "tiff_deflate"
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


DEEP_TIFF = io.BytesIO()
tifffile.imwrite(DEEP_TIFF, scene(16, 24, 3, np.uint16), photometric="rgb")
WHOLE = [with_everything(kind) for kind in ("PNG", "JPEG", "WEBP", "TIFF")]
WHOLE += [png16(scene(16, 24, 3, np.uint16), 2), DEEP_TIFF.getvalue()]


@settings(deadline=None, max_examples=int(os.environ.get("GRIDS_FUZZ", "200")))
@given(st.data())
def test_a_damaged_file_is_restored_or_named_in_one_line(tmp_path_factory, data):
    content = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    kept = data.draw(st.integers(len(content) // 2, len(content)) | st.just(len(content)))
    path = tmp_path_factory.mktemp("fuzz") / "a.png"
    path.write_bytes(content[:kept])
    said = ""
    try:
        again(path)
    except InputError as error:
        said = str(error)
    assert said == "" or (str(path) in said and "\n" not in said)
