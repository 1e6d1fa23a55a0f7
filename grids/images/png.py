"""PNG files as the chunks that they consist of."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"IEND"


class Chunk(NamedTuple):
    """Part of a file: its kind, and whether it is as it was written by its checksum."""

    kind: bytes
    content: bytes
    intact: bool = True

    @property
    def critical(self) -> bool:
        """Whether there is no picture without it."""
        return self.kind[:1].isupper()


def chunks(file: BinaryIO, without: bytes = b"") -> Iterator[Chunk]:
    """The chunks of a file, which ends early where it is cut off.

    Args:
        file: stands at its beginning.
        without: a kind whose chunks are passed over.
    """
    file.seek(len(SIGNATURE))
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == without:
            file.seek(length + 4, 1)
            continue
        content, checksum = file.read(length), file.read(4)
        intact = checksum == struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
        yield Chunk(kind, content, intact)
        if kind == END:
            return


def put(file: BinaryIO, chunks: Iterable[tuple[bytes, bytes]]) -> None:
    """Writes chunks, each given as its kind and content."""
    for kind, content in chunks:
        file.write(struct.pack(">I", len(content)) + kind + content)
        file.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))))
