"""Takes pages that lie elsewhere in the repository into the site, and leads links to them there."""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "config/README.md": "configuration.md",
    "CHANGELOG.md": "changelog.md",
    "grids/packaged/descriptor.md": "descriptor.md",
    "grids/packaged/box.md": "box_sources.md",
}


def on_files(files, config):
    for source, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Links that are right in the repository become those of the site."""
    sources = {name: source for source, name in PAGES.items()}
    folder = posixpath.dirname(sources.get(page.file.src_uri, f"docs/{page.file.src_uri}"))

    def led(match):
        place = posixpath.normpath(posixpath.join(folder, match["place"]))
        target = PAGES.get(place, place.removeprefix("docs/"))
        here = posixpath.dirname(page.file.src_uri) or "."
        return f"]({posixpath.relpath(target, here)}{match['anchor'] or ''})"

    return re.sub(r"\]\((?P<place>[^)#:]+)(?P<anchor>(#[^)]*)?)\)", led, markdown)
