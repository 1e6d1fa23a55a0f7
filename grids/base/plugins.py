"""Modules chosen by name: a user may write the stem of any file in the package."""

import ast
import difflib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from grids.base.errors import InputError

ROOT = Path(__file__).parents[1]


@cache
def names_in(package: str) -> tuple[str, ...]:
    """Names of the modules in the sub-package `package` of grids (`backbones`, …), sorted."""
    return tuple(
        sorted(p.stem for p in (ROOT / package).glob("*.py") if not p.stem.startswith("_"))
    )


def require_known(name: str, known: Iterable[str], what: str) -> None:
    """Raises InputError with the nearest known name unless `name` is one of `known`."""
    known = sorted(known)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? Known" if near else "known"
        raise InputError(f"unknown {what} {name!r}; {hint}: {', '.join(known)}")


def options_of(package: str, name: str) -> dict[str, Any]:
    """Keyword arguments of a module's `build` with their defaults.

    Read from the source instead of by import: the Snakefile checks the configuration with it, and
    the modules import torch, which takes seconds.

    Raises:
        InputError: an option has no default.
    """
    functions = [n for n in source_of(package, name).body if isinstance(n, ast.FunctionDef)]
    build = next((f for f in functions if f.name == "build"), None)
    if build is None:
        raise InputError(f"grids/{package}/{name}.py: no function build")
    options = {}
    for option, default in zip(build.args.kwonlyargs, build.args.kw_defaults, strict=True):
        try:
            options[option.arg] = ast.literal_eval(default or "")
        except (ValueError, SyntaxError):
            raise InputError(
                f"grids/{package}/{name}.py: build: give {option.arg} a default, written out as a "
                "literal value"
            ) from None
    return options


def constant_of(package: str, name: str, constant: str) -> Any:
    """Value of a literal that a module assigns to a name, None where it does not.

    Read from the source, as `options_of` does.

    Raises:
        InputError: what the module assigns must be computed first.
    """
    for node in source_of(package, name).body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value:
            targets, value = [node.target], node.value
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == constant for target in targets):
            try:
                return ast.literal_eval(value)
            except ValueError:
                raise InputError(
                    f"grids/{package}/{name}.py: write {constant} out, as literal values"
                ) from None
    return None


def source_of(package: str, name: str) -> ast.Module:
    """Syntax tree of a module."""
    return parsed(ROOT / package / f"{name}.py")


def parsed(path: Path) -> ast.Module:
    """Syntax tree of a file.

    Raises:
        InputError: it is no Python; the file and the line are named.
    """
    name = path.relative_to(ROOT.parent) if path.is_relative_to(ROOT.parent) else path
    try:
        return ast.parse(path.read_text(encoding="utf-8"), str(path))
    except SyntaxError as error:
        raise InputError(f"{name}, line {error.lineno}: {error.msg}") from None
    except ValueError as error:  # bytes that are no text
        raise InputError(f"{name}: no Python ({error})") from None
