"""Files of a configuration, read more strictly than Snakemake reads them.

Of two equal keys it takes the last, of a file that is no YAML it says neither name nor line, and a
time as 24:00:00 is the number 86400.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from grids.base.errors import InputError
from grids.base.plugins import names_in, require_known

TEMPLATE = "__use_yte__"


def check(paths: Iterable[str | Path]) -> list[Any]:
    """Every file must be YAML (or JSON) in which no key stands twice and no time is a number.

    A degradation or network that one takes out must be a module, or stand in one of the others:
    once they are laid over one another, none can tell what has a name of its own from a misspelt
    one.

    Returns:
        What each file says.

    Raises:
        InputError: the file, the line, and what is wrong there.
    """
    files = [(path, _read_strictly(path)) for path in map(Path, paths)]
    for section, what in (("degradations", "degradation"), ("backbones", "backbone")):
        entries = [(path, *entry) for path, said in files for entry in _entries(said, section)]
        there = {*names_in(section), *(name for _, name, entry in entries if entry is not None)}
        for path, name, _ in entries:
            require_known(name, there, f"{what} to take out in {path}:")
    return [said for _, said in files]


def read(path: str | Path) -> dict[str, Any]:
    """What a file of a configuration says.

    Raises:
        InputError: as `check`, or the file holds no mapping.
    """
    (said,) = check([path])
    if not isinstance(said, dict):
        raise InputError(f"{path}: holds no mapping of keys to values")
    return said


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One configuration over another, as Snakemake lays them: mappings join, all else replaces."""
    joined = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(joined.get(key), dict)
        joined[key] = laid_over(joined[key], value) if both else value
    return joined


def _read_strictly(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        for mapping in _mappings(root, set()):
            _no_key_twice(path, mapping)
            _no_time_as_a_number(path, mapping)
        return None if root is None else loader.construct_document(root)
    except InputError:
        raise
    except yaml.MarkedYAMLError as error:
        with suppress(ValueError):
            return json.loads(text)  # which may be indented by tabs
        mark, problem = error.problem_mark, error.problem
        raise InputError(
            f"{path}, line {mark.line + 1}, column {mark.column + 1}: no YAML: {problem}"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, yaml.YAMLError) as error:  # of bytes, and of dates
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as YAML ({reason})") from None


def _entries(said: Any, section: str) -> Iterator[tuple[str, Any]]:
    entries = said.get(section) if isinstance(said, Mapping) else None
    if isinstance(entries, Mapping):
        yield from ((str(name), entry) for name, entry in entries.items())


def _mappings(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.MappingNode]:
    """All mappings of a document; an anchor's counts once."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            yield from _mappings(entry, seen)


def _no_key_twice(path: Path, mapping: yaml.MappingNode) -> None:
    first: dict[str, yaml.Node] = {}
    keys = [key for key, _ in mapping.value if isinstance(key, yaml.ScalarNode)]
    if any(key.value == TEMPLATE for key in keys):
        return  # conditions of a template may stand twice
    for key in keys:
        before = first.setdefault(key.value, key)
        if before is not key:
            raise InputError(
                f"{path}, line {key.start_mark.line + 1}: the key {key.value!r} stands in line "
                f"{before.start_mark.line + 1} already; leave one of them out"
            )


def _no_time_as_a_number(path: Path, mapping: yaml.MappingNode) -> None:
    for key, value in mapping.value:
        if value.tag == "tag:yaml.org,2002:int" and ":" in value.value:
            raise InputError(
                f"{path}, line {value.start_mark.line + 1}: {key.value}: YAML takes {value.value} "
                f'for a number; write "{value.value}"'
            )
