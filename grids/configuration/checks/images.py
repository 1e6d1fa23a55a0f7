"""Where results and photographs lie."""

import os
from pathlib import Path

from grids.base.errors import InputError
from grids.base.plugins import ROOT
from grids.configuration.checks._shared import check_split
from grids.configuration.settings import ROLES, Images, Settings

CHECKOUT = ROOT.parent
OWN_FOLDERS = [
    "benchmarks",
    "config",
    "docs",
    "grids",
    "profiles",
    "rules",
    "slurm",
    "tests",
    "workflow",
]


def check(settings: Settings) -> None:
    """Results have a folder of their own, and images are split and named."""
    _check_results(settings.results)
    _check_images(settings.images)


def _check_results(results: str) -> None:
    """The folder of results is one, and holds nothing that is not theirs."""
    folder = Path(os.path.realpath(results))
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise InputError(f"results: {results}: {there} is a file; name a folder")
    for place, what in ((CHECKOUT, "the workflow itself"), (Path.cwd(), "where Snakemake runs")):
        if place.is_relative_to(folder):
            raise InputError(
                f"results: {results}: this is {what}; name a folder in it or elsewhere"
            )
    if folder.is_relative_to(CHECKOUT):
        part = folder.relative_to(CHECKOUT).parts[0]
        if part in OWN_FOLDERS or part.startswith("."):
            raise InputError(f"results: {results}: {part} belongs to the workflow; name another")


def _check_images(images: Images) -> None:
    for name in images.tests:
        if name in ROLES or (images.all and name == "test"):
            raise InputError(f"images.tests.{name}: this name is taken, choose another")
    if not images.test_sets():
        raise InputError("images.tests: there must be at least 1")
    check_split("images.split", images.split)
