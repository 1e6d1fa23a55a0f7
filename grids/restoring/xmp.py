"""XMP packets: what was done to a photograph, added to what its packet says already."""

import re
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

NAMESPACE = "urn:grids:restore"
EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n</rdf:RDF>\n'
    '</x:xmpmeta>\n<?xpacket end="w"?>'
)
END = "</rdf:RDF>"
EARLIER = re.compile(rf'<rdf:Description [^>]*"{NAMESPACE}"[^>]*/>\n')


def with_statement(packet: bytes, statement: Mapping[str, str]) -> bytes:
    """A packet with the properties `grids:NAME`.

    Everything else in the packet stays as it is; an earlier statement is replaced, and a packet
    that is empty or has another form gives way to a new one.

    Args:
        packet: of a file, or empty.
        statement: values of the properties by name.
    """
    text = packet.decode("utf-8", "replace")
    if END not in text:
        text = EMPTY
    before, _, after = EARLIER.sub("", text).rpartition(END)
    properties = " ".join(f"grids:{name}={quoteattr(value)}" for name, value in statement.items())
    own = f'<rdf:Description rdf:about="" xmlns:grids="{NAMESPACE}" {properties}/>\n'
    return (before + own + END + after).encode()
