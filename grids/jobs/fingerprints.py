"""Fingerprints of code: what a rule's result depends on, and nothing else.

A fingerprint covers a script and every module of grids that it imports, directly or not, as syntax
trees without docstrings. Comments, formatting and docstrings do not count, nor does the time of a
file. Modules that are chosen by name at run time are given as further roots. Modules that change
no result are left out, and so is the text of errors and of what is said: a better wording must not
train a network again.

An import counts as the digest of the module that it leads to, and so does the name that the module
has in the importing file: where a module lies and what it is called changes nothing.

To work all of them out takes a good part of a start, so a file may remember them (`remember`).
"""

import ast
import hashlib
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypedDict

from grids.base.errors import InputError
from grids.base.files import appearing, sha256
from grids.base.plugins import parsed

PACKAGE = Path(__file__).resolve().parents[1]

# What talks to people, refuses files, looks at a training, or decides when one stops and goes on,
# changes no result.
WITHOUT_EFFECT = {
    "grids.base.errors",
    "grids.base.paths",
    "grids.jobs.schemas",
    "grids.base.progress",
    "grids.jobs.job",
    "grids.jobs.places",
    "grids.training.affinity",
    "grids.training.processes.allocation",
    "grids.training.processes.ownership",
    "grids.training.processes.signals",
}
NO_EFFECT = "without_effect"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def fingerprint(script: Path, *modules: str) -> str:
    """Short digest of a script and the modules it reaches.

    Args:
        script: a Python file that imports modules of grids.
        modules: further roots by dotted name, e.g. `grids.degradations.jpeg`.

    Raises:
        InputError: modules import one another in a circle, there is no such module, or an import is
            written in a way that hides which module counts.
    """
    # By their names too: two that exchange their contents are not as before.
    roots = sorted((module.rpartition(".")[2], _digest(_required(module))) for module in modules)
    found = _hash(repr([script.name, _digest(script.resolve()), roots]))[:16]
    _memory.write()
    return found


def _required(module: str) -> Path:
    path = _file(module)
    if path is None:
        raise InputError(f"no module {module}")
    return path


def remember(file: Path) -> None:
    """Digests come from this file where they stand in it, and new ones are added to it.

    A digest holds for the content of a module and the digests of all that it imports.
    """
    _memory.read(file)


def clear() -> None:
    """Forgets the digests of files, which are read once a process; tests edit them."""
    _digest.cache_clear()
    _digest_of.cache_clear()


class _Known(TypedDict):
    digest: str
    asked: dict[str, str | None]
    """The digest of each module that was asked for on the way, None where there was none."""


class _Memory:
    """Digests by file and content, in a file that processes may write at the same time."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._before: dict[str, _Known] = {}
        self._used: dict[str, _Known] = {}
        self._new = False

    def read(self, file: Path) -> None:
        self._file = file
        # By this code and this Python, whose syntax trees are its own.
        self._maker = f"{sha256(Path(__file__))} {sys.version}"
        # One that cannot be read spares no work.
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(file.read_text(encoding="utf-8"))
            self._before = content["digests"] if content["maker"] == self._maker else {}

    def find(self, key: str) -> str | None:
        known = self._used.get(key) or self._before.get(key)
        if not known or any(_digest_of(module) != then for module, then in known["asked"].items()):
            return None
        self._used[key] = known
        return known["digest"]

    def add(self, key: str, known: _Known) -> None:
        self._used[key], self._new = known, True

    def write(self) -> None:
        if not self._file or not self._new:
            return
        self._new = False
        content = {"maker": self._maker, "digests": self._used}
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with appearing(self._file) as temporary:
                temporary.write_text(json.dumps(content), encoding="utf-8")


_memory = _Memory()
_open: list[Path] = []


@cache
def _digest(path: Path) -> str:
    """Digest of a file's code and of all that it imports of grids."""
    if path in _open:
        circle = [*_open[_open.index(path) :], path]
        raise InputError(f"modules import one another: {' → '.join(map(_dotted, circle))}")
    _open.append(path)
    try:
        key = f"{_dotted(path)} {sha256(path)}"
        if known := _memory.find(key):
            return known
        tree = parsed(path)
        imports = _Imports(_dotted(path))
        tree = _ModulesByDigest(imports.modules).visit(_without_words(imports.visit(tree)))
        digest = _hash(repr([sorted(imports.uses), ast.unparse(tree)]))
        _memory.add(key, {"digest": digest, "asked": imports.asked})
        return digest
    finally:
        _open.pop()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class _Imports(ast.NodeTransformer):
    """Takes the imports of grids out of a tree, wherever they stand and however they are written.

    Attributes:
        modules: digest of each module that has a name in the file, by that name.
        uses: what is imported: of each module its digest, the name there and the name here.
        asked: each name that may be a module's, with the digest, or None.
    """

    def __init__(self, importer: str):
        self._importer = importer
        self.modules: dict[str, str] = {}
        self.uses: set[tuple[str, str, str]] = set()
        self.asked: dict[str, str | None] = {}

    def visit_Import(self, node: ast.Import) -> ast.Import | None:
        kept = []
        for alias in node.names:
            if digest := self._digest_of(alias.name):
                self._name(alias.asname, digest, alias.name)
            else:
                self._refuse_package(alias.name)
                kept.append(alias)
        node.names = kept
        return node if kept else None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        above = self._importer.split(".")[: -node.level] if node.level else []
        source = ".".join([*above, *filter(None, [node.module])])
        kept = []
        for alias in node.names:
            here = alias.asname or alias.name
            if digest := self._digest_of(f"{source}.{alias.name}"):
                self._name(here, digest, f"{source}.{alias.name}")
            elif digest := self._digest_of(source):
                self.uses.add((digest, alias.name, here))
            else:
                self._refuse_package(f"{source}.{alias.name}")
                kept.append(alias)
        node.names = kept
        return node if kept else None

    def _digest_of(self, module: str) -> str | None:
        self.asked[module] = _digest_of(module)
        return self.asked[module]

    def _name(self, here: str | None, digest: str, module: str) -> None:
        """Notes that a module has a name in this file."""
        if here is None:
            package, _, stem = module.rpartition(".")
            self._refuse(f"import {module}", f"from {package} import {stem}")
        elif self.modules.setdefault(here, digest) != digest:
            self._refuse(f"two modules of the name {here}", "another name for one of them")
        self.uses.add((digest, "", ""))

    def _refuse_package(self, module: str) -> None:
        """A module that is reached through its package is not seen to be imported."""
        head, *rest = module.split(".")
        if head == PACKAGE.name and PACKAGE.joinpath(*rest).is_dir():
            self._refuse(f"an import of the package {module}", "an import of a module in it")

    def _refuse(self, found: str, better: str) -> None:
        raise InputError(f"{self._importer}: {found}; write {better}, so that it is known to count")


class _ModulesByDigest(ast.NodeTransformer):
    """Puts a module's digest where its name stands and no variable of a function hides it."""

    def __init__(self, modules: dict[str, str]):
        self._modules = modules

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self._modules.get(node.id, node.id)
        return node

    def _inside(self, hidden: set[str]) -> "_ModulesByDigest":
        return _ModulesByDigest({n: d for n, d in self._modules.items() if n not in hidden})

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        node.args = self.visit(node.args)
        node.body = self._inside(_bound(node.args, [node.body])).visit(node.body)
        return node

    def visit_FunctionDef(self, node: Function) -> Function:
        # What stands around the body is evaluated outside.
        node.args = self.visit(node.args)
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.returns = self.visit(node.returns) if node.returns else None
        inner = self._inside(_bound(node.args, node.body))
        node.body = [inner.visit(statement) for statement in node.body]
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Function:
        return self.visit_FunctionDef(node)

    def _visit_comprehension(self, node: Comprehension) -> ast.AST:
        first = node.generators[0]
        first.iter = self.visit(first.iter)
        targets = [generator.target for generator in node.generators]
        return self._inside(_bound(None, targets)).generic_visit(node)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension


def _bound(args: ast.arguments | None, body: Sequence[ast.AST]) -> set[str]:
    """Names that a scope gives to values of its own, scopes within it left out."""
    found = {node.arg for node in ast.walk(args) if isinstance(node, ast.arg)} if args else set()
    outer: set[str] = set()
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
                continue
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                continue
            case ast.GeneratorExp():
                continue
            case ast.Name(ctx=ast.Store()):
                found.add(node.id)
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() if node.name:
                found.add(node.name)
            case ast.MatchMapping() if node.rest:
                found.add(node.rest)
            case ast.alias():
                found.add(node.asname or node.name.partition(".")[0])
            case ast.Global() | ast.Nonlocal():
                outer |= set(node.names)
        waiting.extend(ast.iter_child_nodes(node))
    return found - outer


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


@cache
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
