"""Fingerprints of code: what a rule's result depends on, and nothing else.

A fingerprint covers a script and every module of grids that it imports, directly or not, as syntax
trees without docstrings. Comments, formatting and docstrings do not count, nor does the time of a
file. Modules that are chosen by name at run time are given as further roots. Modules that change
no result are left out, and so is the text of errors and of what is said: a better wording must not
train a network again.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

# What talks to people, refuses files, or decides when a training stops and goes on, changes no
# result.
WITHOUT_EFFECT = {
    "grids.errors",
    "grids.layouts",
    "grids.progress",
    "grids.training.allocation",
    "grids.training.ownership",
    "grids.training.signals",
}


def fingerprint(script: Path, *modules: str) -> str:
    """Short digest of a script and the modules it reaches.

    Args:
        script: a Python file that imports modules of grids.
        modules: further roots by dotted name, e.g. `grids.degradations.jpeg`.
    """
    seen: set[Path] = set()
    waiting = [script.resolve(), *(_file(module) for module in modules)]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting.extend(_content(path)[1])
    parts = sorted((p.name if p == script.resolve() else _dotted(p), _content(p)[0]) for p in seen)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@cache
def _content(path: Path) -> tuple[str, tuple[Path, ...]]:
    """The file's code without docstrings and messages, and the files of grids that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    imported: list[Path] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [f for alias in node.names if (f := _file(alias.name))]
        elif isinstance(node, ast.ImportFrom):
            above = _dotted(path).split(".")[: -node.level] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            own = [_file(f"{module}.{alias.name}") for alias in node.names]
            imported += [f for f in own if f] or [f for f in [_file(module)] if f]
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = _without_docstring(node.body) or [ast.Pass()]
        spoken = node.exc if isinstance(node, ast.Raise) else node
        if isinstance(spoken, ast.Call) and (spoken is not node or _is_say(spoken.func)):
            spoken.args = [arg for arg in spoken.args if not _is_text(arg)]
    return ast.unparse(tree), tuple(imported)


def clear() -> None:
    """Forgets the files' content, which is read once a process."""
    _content.cache_clear()


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if is_text and isinstance(first.value.value, str) else body


def _is_say(function: ast.expr) -> bool:
    """Whether jobs talk with this function: `say` of `grids.progress.job`, or `sys.exit`."""
    return getattr(function, "attr", getattr(function, "id", "")) in ("say", "exit")


def _is_text(argument: ast.expr) -> bool:
    is_string = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return is_string or isinstance(argument, ast.JoinedStr)


def _file(module: str) -> Path | None:
    """File of a module of grids, None for anything else. Packages are empty and do not count."""
    if module in WITHOUT_EFFECT:
        return None
    head, *rest = module.split(".")
    path = PACKAGE.joinpath(*rest).with_suffix(".py")
    return path if head == "grids" and rest and path.exists() else None


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
