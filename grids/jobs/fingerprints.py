"""Fingerprints of code: what a rule's result depends on, and nothing else.

A fingerprint covers a script and every module of grids that it imports, directly or not, as syntax
trees without docstrings. Comments, formatting and docstrings do not count, nor does the time of a
file. Modules that are chosen by name at run time are given as further roots. Modules that change
no result are left out, and so is the text of errors and of what is said: a better wording must not
train a network again.

An import counts as the digest of the module that it leads to, and so does the name that the module
has in the importing file: where a module lies and what it is called changes nothing.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from grids.base.errors import InputError
from grids.base.plugins import parsed

PACKAGE = Path(__file__).resolve().parents[1]

# What talks to people, refuses files, or decides when a training stops and goes on, changes no
# result.
WITHOUT_EFFECT = {
    "grids.base.errors",
    "grids.base.paths",
    "grids.jobs.schemas",
    "grids.base.progress",
    "grids.jobs.job",
    "grids.jobs.places",
    "grids.training.processes.allocation",
    "grids.training.processes.ownership",
    "grids.training.processes.signals",
}
NO_EFFECT = "without_effect"

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def fingerprint(script: Path, *modules: str) -> str:
    """Short digest of a script and the modules it reaches.

    Args:
        script: a Python file that imports modules of grids.
        modules: further roots by dotted name, e.g. `grids.degradations.jpeg`.

    Raises:
        InputError: modules import one another in a circle.
    """
    roots = sorted(_digest(_file(module)) for module in modules)
    return _hash(repr([script.name, _digest(script.resolve()), roots]))[:16]


def clear() -> None:
    """Forgets the digests of files, which are read once a process."""
    _digest.cache_clear()


_open: list[Path] = []


@cache
def _digest(path: Path) -> str:
    """Digest of a file's code and of all that it imports of grids."""
    if path in _open:
        circle = [*_open[_open.index(path) :], path]
        raise InputError(f"modules import one another: {' → '.join(map(_dotted, circle))}")
    _open.append(path)
    try:
        tree = parsed(path)
        imports = _Imports(_dotted(path))
        tree = _ModulesByDigest(imports.modules).visit(_without_words(imports.visit(tree)))
        return _hash(repr([sorted(imports.uses), ast.unparse(tree)]))
    finally:
        _open.pop()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class _Imports(ast.NodeTransformer):
    """Takes the imports of grids out of a tree, wherever they stand and however they are written.

    Attributes:
        modules: digest of each module that has a name in the file, by that name.
        uses: what is imported: of each module its digest, the name there and the name here.
    """

    def __init__(self, importer: str):
        self._importer = importer
        self.modules: dict[str, str] = {}
        self.uses: set[tuple[str, str, str]] = set()

    def visit_Import(self, node: ast.Import) -> ast.Import | None:
        kept = []
        for alias in node.names:
            digest = _digest_of(alias.name)
            if digest:
                self.uses.add((digest, "", ""))
            if digest and alias.asname:
                self.modules[alias.asname] = digest
            else:
                kept.append(alias)
        node.names = kept
        return node if kept else None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        above = self._importer.split(".")[: -node.level] if node.level else []
        source = ".".join([*above, *filter(None, [node.module])])
        kept = []
        for alias in node.names:
            here = alias.asname or alias.name
            if digest := _digest_of(f"{source}.{alias.name}"):
                self.modules[here] = digest
                self.uses.add((digest, "", ""))
            elif digest := _digest_of(source):
                self.uses.add((digest, alias.name, here))
            else:
                kept.append(alias)
        node.names = kept
        return node if kept else None


class _ModulesByDigest(ast.NodeTransformer):
    """Puts a module's digest where its name stands and no variable of a function hides it."""

    def __init__(self, modules: dict[str, str]):
        self._modules = modules

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self._modules.get(node.id, node.id)
        return node

    def _visit_function(self, node: Function) -> ast.AST:
        hidden = set(_bound(node))
        seen = {name: digest for name, digest in self._modules.items() if name not in hidden}
        return _ModulesByDigest(seen).generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _visit_function


def _bound(function: Function) -> Iterator[str]:
    """Names that a function gives to values of its own."""
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _without_words(tree: ast.Module) -> ast.Module:
    """Without docstrings, and without the text of errors and of what is said."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = _without_docstring(node.body) or [ast.Pass()]
        spoken = node.exc if isinstance(node, ast.Raise) else node
        if isinstance(spoken, ast.Call) and (spoken is not node or _is_say(spoken.func)):
            spoken.args = [arg for arg in spoken.args if not _is_text(arg)]
    return tree


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
    return body


def _is_say(function: ast.expr) -> bool:
    """Whether jobs talk with this function: `say` of `grids.jobs.job.job`, or `sys.exit`."""
    return getattr(function, "attr", getattr(function, "id", "")) in ("say", "exit")


def _is_text(argument: ast.expr) -> bool:
    is_string = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return is_string or isinstance(argument, ast.JoinedStr)


def _digest_of(module: str) -> str | None:
    """Digest of a module of grids, None for anything else."""
    if module in WITHOUT_EFFECT:
        return NO_EFFECT
    path = _file(module)
    return _digest(path) if path else None


def _file(module: str) -> Path | None:
    """File of a module of grids, None for anything else. Packages are empty and do not count."""
    head, *rest = module.split(".")
    path = PACKAGE.joinpath(*rest).with_suffix(".py")
    return path if head == "grids" and rest and path.exists() else None


def _dotted(path: Path) -> str:
    inside = path.is_relative_to(PACKAGE)
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) if inside else path.stem
