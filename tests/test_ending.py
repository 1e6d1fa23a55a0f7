"""How `grids` ends where a package lacks, or who waits has had enough."""

import ast
import re
import signal
import subprocess
import sys
import tomllib
from contextlib import suppress
from importlib import metadata

import pytest
from conftest import ROOT

from grids.base.errors import InputError
from grids.cli import main
from grids.commands import _ending

DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Hooks for imports of a process of its own: `hit` is called with the names of modules.
HOOKED = """
import signal, sys

# Who starts the tests in the background has them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Hook:
    def find_spec(self, name, path=None, target=None):
        hit(name)

sys.meta_path.insert(0, Hook())
"""
LACKING = """
def hit(name):
    if name.partition(".")[0] in {modules!r}:
        raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
"""
INTERRUPTED = """
def hit(name):
    if name == {module!r}:
        {how}
"""
WORKFLOW = _ending.EXTRAS["workflow"]


def grids(hook, *arguments):
    """What became of a command of which a hook sees the imports."""
    code = f"{HOOKED}{hook}\nfrom grids.cli import main\nsys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True
    )


def normal(names):
    """Names of distributions, or requirements, as package indexes compare them."""
    return {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", name)[0]).lower() for name in names}


@pytest.mark.parametrize(
    ("command", "module"),
    [
        ("check", "pandas"),
        ("explain results", "pandas"),
        ("export -o new --darktable", "onnx"),
        ("export results -o new", "pandas"),
        ("orphans results", "snakemake"),
        ("recover", "snakemake"),
        ("simulate", "pandas"),
        ("status results", "pandas"),
    ],
)
def test_what_an_extra_brings_is_named_with_it(command, module):
    done = grids(LACKING.format(modules=WORKFLOW), *command.split())
    assert done.returncode == 1
    assert done.stderr == f"error: {module} is not installed; pip install 'grids[workflow]'\n"
    assert not done.stdout


def test_the_commands_that_do_without_the_workflow_do():
    for command in ("bundles", "restore --help"):
        done = grids(LACKING.format(modules=WORKFLOW), *command.split())
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("module", ["grids.report", "pandas.core", "narwhals"])
def test_a_fault_stays_one(module):
    """What is ours, a part of a package, and what none of ours brings."""

    def run():
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    with pytest.raises(ModuleNotFoundError, match=module):
        _ending.exit_status(run)


def test_extras_bring_what_is_imported():
    """Each module that GRIDS imports is brought by the extra that is named, or comes always."""
    of_module = metadata.packages_distributions()
    of_extras = {module for modules in _ending.EXTRAS.values() for module in modules}
    for module in imported() - of_extras - sys.stdlib_module_names - {"grids"}:
        assert normal(of_module[module]) <= normal(DECLARED["dependencies"]), module
    for extra, modules in _ending.EXTRAS.items():
        brought = normal(DECLARED["optional-dependencies"][extra])
        if extra == "workflow":
            brought |= normal(metadata.requires("onnxscript"))
        for module in modules:
            # One that is not installed here is not known.
            assert normal(of_module.get(module, [])) <= brought, module


def imported():
    """The outermost modules that anything in `grids` imports."""
    found = set()
    for path in (ROOT / "grids").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize(
    ("module", "how"),
    [
        ("argparse", "signal.raise_signal(signal.SIGINT)"),
        ("grids.commands.status", "signal.raise_signal(signal.SIGINT)"),
        ("numpy", "signal.raise_signal(signal.SIGINT)"),
        # As C code of NumPy's, while that is imported.
        (
            "numpy",
            "try: signal.raise_signal(signal.SIGINT)\n"
            "        except KeyboardInterrupt: pass\n"
            "        raise ImportError('could not import')",
        ),
    ],
)
def test_an_interrupt_while_it_starts_is_no_traceback(module, how):
    done = grids(INTERRUPTED.format(module=module, how=how), "simulate", "--n", "3")
    assert done.returncode == 130
    assert done.stderr in ("", "interrupted\n")


def test_an_interrupt_that_was_seen_to_hides_no_other_end(capsys):
    def run():
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise InputError("the disk is full")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert _ending.exit_status(run) == 1
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == "error: the disk is full\n"


def test_afterwards_interrupts_are_as_before():
    before = signal.getsignal(signal.SIGINT)
    assert main(["simulate", "none"]) == 1
    assert signal.getsignal(signal.SIGINT) is before
