"""Moving a module, as people do when they tidy up."""

import re
from pathlib import Path


def move(package: Path, old: str, new: str) -> None:
    """Moves a module of a checkout and follows it in all imports, as an editor would.

    Args:
        package: the checkout, with `grids`, `rules` and `workflow`.
        old, new: the module below `grids`, as `similarity.ggd`.
    """
    target = package / "grids" / f"{new.replace('.', '/')}.py"
    target.parent.mkdir(exist_ok=True)
    (package / "grids" / f"{old.replace('.', '/')}.py").rename(target)
    old_room, _, old_stem = f"grids.{old}".rpartition(".")
    new_room, _, new_stem = f"grids.{new}".rpartition(".")
    alone = re.compile(rf"from {re.escape(old_room)} import {old_stem}$", re.MULTILINE)
    among = re.compile(
        rf"from {re.escape(old_room)} import (.*\b){old_stem}\b(?:, )?(.*)$", re.MULTILINE
    )
    for path in [*package.rglob("*.py"), *package.rglob("*.smk")]:
        before = text = path.read_text(encoding="utf-8")
        text = text.replace(f"from grids.{old} import", f"from grids.{new} import")
        text = alone.sub(f"from {new_room} import {new_stem}", text)
        text = among.sub(rf"from {new_room} import {new_stem}\nfrom {old_room} import \1\2", text)
        if f"from {new_room} import {new_stem}" in text and new_stem != old_stem:
            text = re.sub(rf"(?<![\w./]){old_stem}\.(?=\w)", f"{new_stem}.", text)
        text = re.sub(r"import (.*), $", r"import \1", text, flags=re.MULTILINE)
        if text != before:
            path.write_text(text, encoding="utf-8")
