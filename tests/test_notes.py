"""What belongs to a photograph beside its pixels stays byte by byte, or a remark says it went."""

import io
import struct
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pytest
import tifffile
from made_files import png_file
from photograph_files import chunk, read_png, scene
from PIL import Image

from grids.restoring import photographs, xmp

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
STATEMENT = {"group": "jpeg"}
CAPTION = "Grüße aus Żory 写真"


def again(path):
    """Writes a file as it was read; what was said, and the new file."""
    photograph = photographs.read(path)
    target = path.with_name("restored " + path.name)
    said = photographs.write(photograph, photograph.colour, target, STATEMENT)
    return photograph.remarks + said, target


def tags_of(path):
    with tifffile.TiffFile(path) as file:
        return {tag.code: (tag.dtype, tag.count, _bytes(file, tag)) for tag in file.pages[0].tags}


def _bytes(file, tag):
    file.filehandle.seek(tag.valueoffset)
    return file.filehandle.read(tag.valuebytecount)


class TestTiff:
    TEXT = "Fotografía de Peña – Dvořák".encode()
    PRIVATE = (
        (315, "s", len(TEXT) + 1, TEXT + b"\0", True),
        (33432, "s", 7, b"\xa9 2020\0", True),  # Latin-1
        (33550, "d", 3, (0.5, 0.5, 0.0), True),
        (33922, "d", 6, (0.0, 0.0, 0.0, 350000.0, 4500000.0, 0.0), True),
        (34735, "H", 8, (1, 1, 0, 1, 1024, 0, 1, 1), True),
        (42113, "s", 6, b"-9999\0", True),
        (50000, "B", 3, b"abc", True),
        (700, "B", 5, b"<xmp>", True),
    )

    @pytest.mark.parametrize("order", "<>")
    def test_texts_and_private_tags_stay_byte_by_byte(self, tmp_path, order):
        path = tmp_path / "a.tif"
        options = {"byteorder": order, "metadata": None, "photometric": "rgb"}
        tifffile.imwrite(path, scene(), extratags=self.PRIVATE, **options)
        said, target = again(path)
        before, after = tags_of(path), tags_of(target)
        for tag, *_ in self.PRIVATE[:-1]:
            assert after[tag] == before[tag], tag
        assert said == (xmp.UNKNOWN,)
        assert after[700][2] == b"<xmp>"

    @pytest.mark.parametrize("big_endian", [False, True])
    def test_exif_and_places_stay(self, tmp_path, big_endian):
        exif = Image.Exif()
        exif.endian = ">" if big_endian else "<"
        exif[0x010F] = "Maker"
        exif.get_ifd(0x8769)[0x829A] = 0.25
        exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + CAPTION.encode("utf-16-le")
        exif.get_ifd(0x8825)[2] = (48.0, 30.0, 15.5)
        path = tmp_path / "a.tif"
        exif.load(exif.tobytes())
        Image.fromarray(scene()).save(path, exif=exif)
        said, target = again(path)
        assert not said
        with Image.open(target) as image:
            found = image.getexif()
            assert found[0x010F] == "Maker"
            assert found.get_ifd(0x8769)[0x829A] == 0.25
            assert CAPTION.encode("utf-16-le") in found.get_ifd(0x8769)[0x9286]
            assert found.get_ifd(0x8825)[2] == (48.0, 30.0, 15.5)

    def test_spare_channels_stay(self, tmp_path):
        path, samples = tmp_path / "a.tif", scene(channels=6, dtype=np.uint16)
        kinds = ["unspecified", "unassalpha", "unspecified"]
        tifffile.imwrite(path, samples, photometric="rgb", extrasamples=kinds)
        said, target = again(path)
        assert not said
        with tifffile.TiffFile(target) as file:
            written = file.asarray()
            assert [int(kind) for kind in file.pages[0].extrasamples] == [2, 0, 0]
        assert np.array_equal(written, samples[..., [0, 1, 2, 4, 3, 5]])

    def test_what_would_show_the_old_pixels_goes_with_a_remark(self, tmp_path):
        path = tmp_path / "a.tif"
        layers = (37724, "B", 4, b"8BIM", True)
        with tifffile.TiffWriter(path) as file:
            file.write(scene(), photometric="rgb", extratags=[layers], subifds=1, metadata=None)
            file.write(scene(12, 16), photometric="rgb", subfiletype=1, metadata=None)
            file.write(scene(12, 16), photometric="rgb", subfiletype=1, metadata=None)
        said, target = again(path)
        assert said == (
            "its previews or masks are not kept",
            "parts not kept: pictures in sub-directories, layers",
        )
        assert not tags_of(target).keys() & {330, 37724}


class TestPng:
    def test_long_notes_and_profiles_stay(self, tmp_path):
        text = b"Comment\0" + bytes(range(1, 256)) * 6000
        profile = b"huge\0\0" + zlib.compress(np.random.default_rng(0).bytes(2_000_000))
        notes = [(b"iCCP", profile), (b"tEXt", text), (b"eXIf", b"II*\0\x08\0\0\0\0\0")]
        path = tmp_path / "a.png"
        path.write_bytes(png_file(scene(), 2, 8, before=b"".join(chunk(*n) for n in notes)))
        said, target = again(path)
        assert not said
        chunks = [note for note in read_png(target)[1] if note[0] in (b"iCCP", b"tEXt", b"eXIf")]
        assert chunks == notes

    def test_a_note_with_a_wrong_checksum_goes_with_a_remark(self, tmp_path):
        note = bytearray(chunk(b"iTXt", b"Title\0\0\0\0\0a title"))
        note[-2] ^= 1
        path = tmp_path / "a.png"
        path.write_bytes(png_file(scene(), 2, 8, before=bytes(note)))
        said, target = again(path)
        assert said == ("broken notes not kept: iTXt",)
        assert b"a title" not in target.read_bytes()

    def test_a_compressed_packet_is_read(self, tmp_path):
        packet = xmp.EMPTY.replace("\n</rdf:RDF>", f"<dc>{CAPTION}</dc></rdf:RDF>").encode()
        content = b"XML:com.adobe.xmp\0\x01\0en\0\0" + zlib.compress(packet)
        path = tmp_path / "a.png"
        path.write_bytes(png_file(scene(), 2, 8, after=chunk(b"iTXt", content)))
        _, target = again(path)
        notes = [note for kind, note in read_png(target)[1] if kind == b"iTXt"]
        assert len(notes) == 1
        assert CAPTION.encode() in notes[0]
        assert b'grids:group="jpeg"' in notes[0]


def jpeg(*segments, behind=b"", **options):
    """A JPEG file with segments of these markers and contents behind its first one."""
    file = io.BytesIO()
    Image.fromarray(scene()).save(file, "JPEG", quality=95, **options)
    content = file.getvalue()
    start = 4 + int.from_bytes(content[4:6])
    for marker, body in segments:
        segment = bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
        content = content[:start] + segment + content[start:]
        start += len(segment)
    return content + behind


class TestJpeg:
    VIDEO = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 20

    def test_segments_stay_byte_by_byte(self, tmp_path):
        iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x78\0\x05Gr\xfc\xdfe"
        extended = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 60
        segments = [(0xED, iptc), (0xE1, extended), (0xEB, b"JP box"), (0xFE, b"one note")]
        segments += [(0xFE, b"another")]
        path = tmp_path / "a.jpg"
        path.write_bytes(jpeg(*segments, dpi=(240, 240)))
        said, target = again(path)
        assert not said
        written = target.read_bytes()
        for _, body in segments:
            assert written.count(body) == 1
        with Image.open(target) as image:
            assert image.info["dpi"] == (240, 240)
            image.load()

    def test_the_video_of_a_motion_photo_stays_as_its_packet_says(self, tmp_path):
        camera = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" '
        camera += f'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="{len(self.VIDEO)}"'
        packet = xmp.EMPTY.replace("\n</rdf:RDF>", f"<rdf:Description {camera}/></rdf:RDF>")
        path = tmp_path / "a.jpg"
        body = b"http://ns.adobe.com/xap/1.0/\0" + packet.encode()
        path.write_bytes(jpeg((0xE1, body), behind=self.VIDEO))
        said, target = again(path)
        assert not said
        written = target.read_bytes()
        assert written.endswith(b"\xff\xd9" + self.VIDEO)
        assert camera.encode() in written

    @pytest.mark.parametrize("behind", [b"", VIDEO])
    def test_further_pictures_stay_where_they_are_said_to_be(self, tmp_path, behind):
        frames = [Image.fromarray(scene(seed=seed)) for seed in range(3)]
        path = tmp_path / "a.jpg"
        frames[0].save(path, "MPO", save_all=True, append_images=frames[1:])
        path.write_bytes(path.read_bytes() + behind)
        said, target = again(path)
        assert said[0].startswith("only the first of the file's pictures is restored")
        assert target.read_bytes().endswith(behind)
        with Image.open(path) as before, Image.open(target) as after:
            assert after.n_frames == 3
            for number in (1, 2):
                before.seek(number)
                after.seek(number)
                assert np.array_equal(np.asarray(before), np.asarray(after))

    def test_a_packet_without_room_for_more_stays_and_that_is_said(self, tmp_path):
        long = xmp.EMPTY.replace("\n</rdf:RDF>", f"<a>{'x' * 65200}</a></rdf:RDF>").encode()
        path = tmp_path / "a.jpg"
        path.write_bytes(jpeg((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + long)))
        said, target = again(path)
        assert said == (photographs.NO_ROOM,)
        assert long in target.read_bytes()


def test_unknown_chunks_of_webp_go_with_a_remark(tmp_path):
    path = tmp_path / "a.webp"
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    Image.fromarray(scene()).save(path, lossless=True, exif=exif)
    content = path.read_bytes() + b"odd " + struct.pack("<I", 4) + b"abcd"
    path.write_bytes(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])
    said, target = again(path)
    assert said == ("parts not kept: odd ",)
    with Image.open(target) as image:
        assert image.getexif()[0x010F] == "Maker"


PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    f'<PRDF xmlns@="{RDF}"><PDescription xmlns:dc="http://purl.org/dc/elements/1.1/">'
    f"<dc:title>{CAPTION}</dc:title></PDescription></PRDF></x:xmpmeta>"
    '<?xpacket end="w"?>'
)


@pytest.mark.parametrize("prefix", ["rdf:", "r:", "RDF-1:", ""])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
def test_packets_of_every_encoding_and_prefix_keep_what_they_say(prefix, encoding):
    text = PACKET.replace("<P", f"<{prefix}").replace("</P", f"</{prefix}")
    packet = text.replace("@", f":{prefix[:-1]}" if prefix else "").encode(encoding)
    for _ in range(2):  # the second time a statement is there
        packet = xmp.with_statement(packet, {"group": "a & b"})
        root = ET.fromstring(packet.decode("utf-8-sig"))
        (rdf,) = root.iter(f"{{{RDF}}}RDF")
        assert rdf[0][0].text == CAPTION
        assert rdf[1].attrib["{urn:grids:restore}group"] == "a & b"
        assert len(rdf) == 2


def test_a_packet_that_declares_its_encoding_is_well_formed_in_the_new_one():
    text = PACKET.replace("<P", "<r:").replace("</P", "</r:").replace("@", ":r")
    text = f'<?xml version="1.0" encoding="UTF-16"?>{text}'
    packet = xmp.with_statement(text.encode("utf-16"), STATEMENT)
    ET.fromstring(packet)


def test_an_empty_list_of_statements_is_filled():
    packet = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"/></x:xmpmeta>'
    root = ET.fromstring(xmp.with_statement(packet.encode(), STATEMENT))
    assert root[0][0].attrib["{urn:grids:restore}group"] == "jpeg"


@pytest.mark.parametrize("packet", [b"no packet", b"<x:xmpmeta>", b"\xff\xfe\0"])
def test_packets_of_an_unknown_form_are_left_alone(packet):
    assert not xmp.takes_statement(packet)
    assert xmp.with_statement(packet, STATEMENT) == packet
