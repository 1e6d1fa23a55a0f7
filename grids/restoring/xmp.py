"""XMP packets: what was done to a photograph, added to what its packet says already."""

import codecs
import re
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

NAMESPACE = "urn:grids:restore"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    f'<rdf:RDF xmlns:rdf="{RDF}">\n</rdf:RDF>\n'
    '</x:xmpmeta>\n<?xpacket end="w"?>'
)
CLOSED = re.compile(r"<((?:[\w.-]+:)?RDF)\b([^>]*)/>")
END = re.compile(r"</(?:[\w.-]+:)?RDF\s*>")
EARLIER = re.compile(rf'<rdf:Description [^>]*"{NAMESPACE}"[^>]*/>\n')
DECLARATION = re.compile(r"^\s*<\?xml\s[^>]*\?>\s*")
# How each encoding writes the first sign of a packet, the longer ones first.
ENCODINGS = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
UNKNOWN = "its XMP is of an unknown form: it stays as it is, without a word on the restoring"


def takes_statement(packet: bytes) -> bool:
    """Whether a packet is empty, or of a form that a statement can be added to."""
    return not packet.strip(b"\0 \r\n\t") or bool(END.search(_text(packet)))


def with_statement(packet: bytes, statement: Mapping[str, str]) -> bytes:
    """A packet in UTF-8 with the properties `grids:NAME`.

    Everything else in the packet stays as it is; an earlier statement is replaced. A packet of an
    unknown form is left alone.

    Args:
        packet: of a file, or empty.
        statement: values of the properties by name.
    """
    if not takes_statement(packet):
        return packet
    text = _text(packet) if packet.strip(b"\0 \r\n\t") else EMPTY
    text = EARLIER.sub("", text)
    *_, end = END.finditer(text)
    properties = " ".join(f"grids:{name}={quoteattr(value)}" for name, value in statement.items())
    names = f'xmlns:rdf="{RDF}" xmlns:grids="{NAMESPACE}"'
    own = f'<rdf:Description {names} rdf:about="" {properties}/>\n'
    return (text[: end.start()] + own + text[end.start() :]).encode("utf-8", "surrogateescape")


def _text(packet: bytes) -> str:
    text = packet.decode("utf-8", "surrogateescape")
    for encoding, mark in zip(ENCODINGS, MARKS, strict=True):
        if packet.startswith((mark, "<".encode(encoding))):
            # Its encoding is another one now, so that it may no longer say which.
            text = DECLARATION.sub("", packet.removeprefix(mark).decode(encoding, "replace"))
            break
    return CLOSED.sub(r"<\1\2></\1>", text)
