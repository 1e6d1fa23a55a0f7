# What comes before the configuration is read: which package the rules and jobs import, and whether
# the file that ships is still YAML.

import os
import sys

from importlib.util import find_spec
from pathlib import Path

import snakemake.jobs

HERE = workflow.current_basedir
if HERE.is_local:
    # Jobs import the grids package of this checkout, the code that is fingerprinted, even where
    # another copy is installed.
    ROOT = str(Path(HERE).parent)
    if os.pathsep in ROOT:
        sys.exit(
            f"error: {ROOT}: Python finds no modules below a folder with {os.pathsep!r} in its "
            "name; rename it"
        )
    sys.path.insert(0, ROOT)
    os.environ.update(
        PYTHONPATH=os.pathsep.join(filter(None, [ROOT, os.getenv("PYTHONPATH")]))
    )
    # Snakemake's trigger `code` goes by the time of a script. The scripts here count by their
    # fingerprint, whatever triggers a profile names; those of a workflow that imports this one by
    # their time.
    SCRIPTS = Path(ROOT, "workflow", "scripts").resolve()
    time_of_script = snakemake.jobs.get_script_mtime
    snakemake.jobs.get_script_mtime = lambda path: (
        0.0 if Path(path).resolve().is_relative_to(SCRIPTS) else time_of_script(path)
    )
elif not find_spec("grids"):
    # Of a repository Snakemake fetches rules and scripts, file by file.
    sys.exit(
        "error: the package grids is not installed, which the rules need: "
        "pip install '.[workflow]' in a clone of it"
    )

from grids.base.errors import InputError
from grids.configuration import files

# Snakemake says of a file that is no YAML neither the line nor why.
if HERE.is_local and workflow.is_main_process:
    try:
        files.check([Path(ROOT, "config", "config.yaml")])
    except InputError as error:
        sys.exit(f"error: configuration: {error}")
