import shutil
from pathlib import Path

import pytest
from moves import move

from grids.base.errors import InputError
from grids.jobs import fingerprints

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that tests may edit."""
    shutil.copytree(ROOT / "grids", tmp_path / "grids")
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow")
    monkeypatch.setattr(fingerprints, "PACKAGE", tmp_path / "grids")
    fingerprints.clear()
    yield tmp_path
    fingerprints.clear()


@pytest.fixture(scope="module")
def unedited():
    """Fingerprints of all scripts as they stand here, where memory has no part in them."""
    fingerprints.clear()
    return of_all(ROOT)


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    fingerprints.clear()


def of(package, script, *modules):
    return fingerprints.fingerprint(package / "workflow" / "scripts" / script, *modules)


def of_all(package):
    return {script.name: of(package, script.name) for script in SCRIPTS}


def changed(package, before):
    """Names of the scripts whose fingerprint is no longer as before."""
    return {name for name, now in of_all(package).items() if now != before[name]}


def test_fingerprints_of_all_scripts_differ(unedited):
    assert len({*unedited.values()}) == len(SCRIPTS)


def test_where_the_checkout_lies_does_not_count(package, unedited):
    assert of_all(package) == unedited


def test_comments_docstrings_and_formatting_do_not_count(package):
    before = of(package, "ggd.py")
    edit(package / "grids" / "similarity" / "law.py", '"""Shape α and', '"""The shape α and')
    edit(
        package / "grids" / "similarity" / "ggd.py",
        "return max(1, min(components, of - 1) * patches // of)",
        "return max(\n        1,  # one\n        min(components, of - 1) * patches // of)",
    )
    edit(
        package / "workflow" / "scripts" / "ggd.py",
        "params, name = snakemake.params, snakemake.wildcards.degradation",
        "params, name = (snakemake.params, snakemake.wildcards.degradation)  # short",
    )
    assert of(package, "ggd.py") == before


def test_what_only_comments_on_a_search_plans_nothing_anew(package):
    before = of(package, "plan.py")
    for module in (
        "search/simulation/families",
        "search/simulation/searches",
        "search/standing",
        "search/forecast",
        "report/search",
    ):
        path = package / "grids" / f"{module}.py"
        path.write_text(path.read_text(encoding="utf-8") + "\nMORE = 1\n", encoding="utf-8")
    fingerprints.clear()
    assert of(package, "plan.py") == before


def test_code_counts_in_the_script_and_in_what_it_imports_and_nowhere_else(package, unedited):
    edit(package / "grids" / "similarity" / "ggd.py", "BINS = 101", "BINS = 99")
    again = changed(package, unedited)
    assert {"ggd.py", "similarity.py"} <= again
    assert not again & {"train.py", "verify.py", "index.py", "degraded_pies.py"}
    edit(package / "workflow" / "scripts" / "index.py", "with job(", "with (job)(1 and ")
    assert of(package, "index.py") != unedited["index.py"]


def test_an_edit_of_how_is_decided_describes_and_fits_nothing_again(package, unedited):
    edit(package / "grids" / "bundle" / "contents.py", "FORMAT = 7", "FORMAT = 8")
    assert changed(package, unedited) == {"bundle.py"}
    edit(package / "grids" / "selection" / "decision.py", "UNUSUAL = 0.005", "UNUSUAL = 0.1")
    again = {"bundle.py", "decisions.py", "real_photographs.py", "selection_steps.py"}
    assert changed(package, unedited) == again
    edit(package / "grids" / "selection" / "pixel_statistics.py", "FLOOR = 1e-4", "FLOOR = 1e-5")
    assert changed(package, unedited) >= {"views.py", "selection_cases.py"}


def test_another_ssim_is_measured_by_verifications_alone(package, unedited):
    edit(package / "grids" / "models" / "evaluation.py", "sigma=1.5", "sigma=1.0")
    assert changed(package, unedited) == {"verify.py"}
    edit(package / "grids" / "pixels" / "psnr.py", "PSNR_CAP = 100.0", "PSNR_CAP = 99.0")
    assert changed(package, unedited) >= {"verify.py", "degraded_pies.py", "pair_pies.py"}
    assert "train.py" not in changed(package, unedited)


def test_how_a_configuration_is_checked_degrades_and_trains_nothing_again(package, unedited):
    edit(package / "grids" / "base" / "plugins.py", "known, n=1", "known, n=2")
    edit(package / "grids" / "degrading" / "parameters.py", "len(ends) > 2", "len(ends) >= 3")
    degrading = {"train.py", "verify.py", "samples.py", "degraded_pies.py", "severity.py"}
    selecting = {"views.py", "selection_cases.py", "selection_gains.py"}
    assert not changed(package, unedited) & (degrading | selecting)
    edit(package / "grids" / "degrading" / "operators.py", "endpoint=True", "endpoint=False")
    assert changed(package, unedited) >= degrading | selecting


def test_where_photographs_are_found_changes_no_pixel(package, unedited):
    images = package / "grids" / "images"
    edit(images / "search.py", 'SUFFIXES = (".bmp"', 'SUFFIXES = (".gif", ".bmp"')
    assert changed(package, unedited) == {"index.py"}  # a rule without this parameter
    edit(images / "decoding.py", "+ 128) // 257", "+ 127) // 257")
    assert changed(package, unedited) >= {"index.py", "store.py", "clean_pies.py"}


def test_indirect_imports_count(package):
    before = of(package, "train.py")
    edit(package / "grids" / "base" / "files.py", "os.fsync", "os.fdatasync")
    assert of(package, "train.py") != before


@pytest.mark.parametrize(
    "line",
    [
        "from .gaussian_noise import SEVERITIES as MORE",
        "from . import gaussian_noise",
        "from ..degradations.gaussian_noise import degrade as other",
        "from grids.degradations import gaussian_noise",
    ],
)
def test_imports_count_however_they_are_written(package, line):
    folder = package / "grids" / "degradations"
    edit(folder / "jpeg.py", "import io\n", f"import io\n{line}\n")
    before = of(package, "train.py", "grids.degradations.jpeg")
    edit(folder / "gaussian_noise.py", '"sigma": 5.0', '"sigma": 6.0')
    assert of(package, "train.py", "grids.degradations.jpeg") != before


def test_what_only_talks_does_not_count(package):
    before = of(package, "train.py")
    edit(package / "grids" / "base" / "progress.py", "ETA", "left")
    assert of(package, "train.py") == before


def test_the_wording_of_errors_and_of_what_is_said_does_not_count_but_what_they_carry_does(package):
    loop = package / "grids" / "training" / "loop.py"
    before = of(package, "train.py")
    edit(
        package / "grids" / "images" / "reading.py",
        'raise InputError(f"{path}: ',
        'raise InputError(f"at {path}: ',
    )
    edit(loop, 'self.say(f"resuming after', 'self.say(f"going on after')
    assert of(package, "train.py") == before
    edit(loop, "raise Diverged(step, loss)", "raise Diverged(step + 1, loss)")
    assert of(package, "train.py") != before


def test_modules_named_by_wildcards_count_for_themselves_only(package):
    jpeg = of(package, "train.py", "grids.degradations.jpeg")
    sr = of(package, "train.py", "grids.degradations.sr")
    plain = of(package, "train.py")
    path = package / "grids" / "degradations" / "jpeg.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nMORE = 1\n", encoding="utf-8")
    fingerprints.clear()
    assert of(package, "train.py", "grids.degradations.jpeg") != jpeg
    assert of(package, "train.py", "grids.degradations.sr") == sr
    assert of(package, "train.py") == plain


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("base.files", "ground.files"),  # what is imported from it has the same names
        ("pixels.psnr", "quality"),
        ("base.randomness", "ground.keyed_streams"),  # called by its own name
        ("similarity.ggd", "laws.generalized_gaussian"),
        ("training.schedule", "training.rates"),
    ],
)
def test_where_a_module_lies_and_what_it_is_called_does_not_count(package, unedited, old, new):
    move(package, old, new)
    fingerprints.clear()
    assert changed(package, unedited) == set()
    path = package / "grids" / f"{new.replace('.', '/')}.py"
    edit(path, path.read_text(encoding="utf-8"), path.read_text(encoding="utf-8") + "\nMORE = 1\n")
    assert changed(package, unedited)


def test_a_variable_of_a_function_is_not_the_module_whose_name_it_bears(package):
    path = package / "grids" / "degradations" / "jpeg.py"
    root = "grids.degradations.jpeg"
    edit(path, "import io\n", "import io\nfrom grids.pixels import arrays\n")
    texts = [
        "def more(arrays):\n    return arrays\n",
        "def more(other):\n    return arrays\n",
        "def more(arrays):\n    return [arrays for arrays in ()]\n",
        "def more(array):\n    return [arrays for array in ()]\n",
    ]
    seen = []
    for text in texts:
        before = path.read_text(encoding="utf-8")
        edit(path, before, before + text)
        seen.append(of(package, "train.py", root))
        edit(path, before + text, before)
    assert len({*seen}) == len(texts)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A script over modules `grids.p.a` and `grids.p.b`, given as texts: its fingerprint."""
    (tmp_path / "grids" / "p").mkdir(parents=True)
    monkeypatch.setattr(fingerprints, "PACKAGE", tmp_path / "grids")

    def of_text(script, a="A = 1\n", b="A = 2\n", *modules):
        for name, text in (("p/a", a), ("p/b", b)):
            (tmp_path / "grids" / f"{name}.py").write_text(text)
        (tmp_path / "script.py").write_text(script)
        fingerprints.clear()
        return fingerprints.fingerprint(tmp_path / "script.py", *modules)

    yield of_text
    fingerprints.clear()


@pytest.mark.parametrize(
    "body",
    [
        "def u(v):\n    z = x.go(v)\n    def w(x):\n        return x\n    return z\n",
        "def u(x=x.A):\n    return x\n",
        "@x.A\ndef u(x):\n    return x\n",
        "u = [x for x in x.A]\n",
        "def u():\n    global x\n    x = x.A\n",
    ],
)
def test_where_a_name_means_the_module_it_counts_as_the_module(toy, body):
    """Told by exchanging two modules, whose digests are imported either way."""
    one = toy(f"from grids.p import a as x, b as y\n{body}")
    assert one != toy(f"from grids.p import b as x, a as y\n{body}")
    assert one == toy(f"from grids.p import a as x, b as other\n{body}")


@pytest.mark.parametrize(
    "body",
    [
        "def u(v):\n    match v:\n        case [NAME]:\n            return NAME\n",
        "def u():\n    try:\n        pass\n    except E as NAME:\n        return NAME\n",
        "def u():\n    def NAME():\n        pass\n    return NAME\n",
        "def u():\n    import json as NAME\n    return NAME\n",
        "def u(v):\n    return lambda NAME: NAME\n",
    ],
)
def test_where_a_variable_hides_the_module_its_name_stands(toy, body):
    script = f"from grids.p import a as x\n{body}u(x.A)\n"
    hiding = toy(script.replace("NAME", "x"))
    assert hiding != toy(script.replace("NAME", "z"))
    assert hiding == toy(script.replace("NAME", "x"), "A = 1\n", "A = 3\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("from grids import p\n", "an import of the package grids.p"),
        ("import grids.p\n", "an import of the package grids.p"),
        ("import grids.p.a\n", "import grids.p.a; write from grids.p import a"),
        (
            "def u():\n    from grids.p import a as m\ndef v():\n    from grids.p import b as m\n",
            "two modules of the name m",
        ),
    ],
)
def test_imports_that_hide_what_counts_are_refused(toy, line, said):
    with pytest.raises(InputError, match=said):
        toy(line)


@pytest.mark.parametrize("line", ["import grids.p.a as x\n", "from grids.p.a import *\n"])
def test_other_ways_to_import_count(toy, line):
    before = toy(line)
    assert toy(line, "A = 5\n") != before
    assert toy(line, b="A = 5\n") == before


def test_modules_named_besides_count_by_their_names_too(toy):
    roots = ("grids.p.a", "grids.p.b")
    assert toy("", "A = 1\n", "A = 2\n", *roots) != toy("", "A = 2\n", "A = 1\n", *roots)
    with pytest.raises(InputError, match=r"no module grids\.p\.c"):
        toy("", "", "", "grids.p.c")


def test_modules_that_import_one_another_are_named(package):
    folder = package / "grids" / "degradations"
    edit(folder / "jpeg.py", "import io\n", "import io\nfrom grids.degradations import sr\n")
    edit(folder / "sr.py", '"""\n', '"""\nfrom grids.degradations import jpeg\n')
    circle = r"grids.degradations.jpeg → grids.degradations.sr → grids.degradations.jpeg"
    with pytest.raises(InputError, match=f"import one another: {circle}"):
        of(package, "train.py", "grids.degradations.jpeg")
    with pytest.raises(InputError, match="import one another"):
        of(package, "train.py", "grids.degradations.jpeg")


def test_helpers_shared_by_the_blurs_count_for_those_that_use_them(package):
    names = ["gaussian_blur", "motion_blur", "defocus_blur", "ringing", "jpeg", "gaussian_noise"]
    before = {n: of(package, "degraded_pies.py", f"grids.degradations.{n}") for n in names}
    path = package / "grids" / "pixels" / "filters.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nMORE = 1\n", encoding="utf-8")
    fingerprints.clear()
    after = {n: of(package, "degraded_pies.py", f"grids.degradations.{n}") for n in names}
    assert {n for n in names if before[n] != after[n]} == set(names[:4])


class TestMemory:
    """Digests that a file remembers are those that are worked out."""

    @pytest.fixture
    def remembered(self, package, monkeypatch):
        """The fingerprints as a new process finds them that has the file of the one before."""

        def found(parsing=True):
            with monkeypatch.context() as patch:
                patch.setattr(fingerprints, "_memory", fingerprints._Memory())
                if not parsing:
                    patch.setattr(fingerprints, "parsed", None)
                fingerprints.clear()
                fingerprints.remember(package / "memory" / "fingerprints.json")
                now = of_all(package)
            fingerprints.clear()
            return now

        return found

    def test_nothing_is_parsed_again(self, unedited, remembered):
        assert remembered() == unedited
        assert remembered(parsing=False) == unedited

    def test_an_edit_counts_wherever_it_reaches(self, package, unedited, remembered):
        remembered()
        edit(package / "grids" / "similarity" / "ggd.py", "BINS = 101", "BINS = 99")
        assert remembered() == of_all(package)
        edit(package / "grids" / "similarity" / "ggd.py", "BINS = 99", "BINS = 101")
        assert remembered() == unedited

    def test_a_module_that_appears_counts(self, package, remembered):
        remembered()
        # What was a name in a module becomes a module of that name.
        (package / "grids" / "base" / "randomness").mkdir()
        (package / "grids" / "base" / "randomness" / "key.py").write_text("key = len\n")
        edit(
            package / "workflow" / "scripts" / "views.py",
            "import pandas as pd",
            "import pandas as pd\nfrom grids.base.randomness import key",
        )
        assert remembered() == of_all(package)
        (package / "grids" / "base" / "randomness" / "key.py").unlink()
        fingerprints.clear()
        assert remembered() == of_all(package)

    @pytest.mark.parametrize("content", ["", "{}", '{"maker": 1}', "[1]", "\0"])
    def test_a_broken_file_spares_no_work_and_breaks_nothing(
        self, package, unedited, remembered, content
    ):
        file = package / "memory" / "fingerprints.json"
        file.parent.mkdir()
        file.write_text(content)
        assert remembered() == unedited
        assert remembered(parsing=False) == unedited
