"""What the README says about a further degradation, tried as written."""

import re
import shutil
import subprocess
import sys

import yaml
from conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")

TRIAL = """
import torch
from grids.degrading import parameters
from grids.degrading.operators import degrade
values = parameters.resolve(parameters.specification("vignetting"), {}, "training")
images = torch.full((2, 3, 32, 48), 0.8)
degraded = degrade("vignetting", images, values, [1, 2])
assert degraded.shape == images.shape
assert (degraded[..., 0, 0] < degraded[..., 16, 24]).all()
assert not torch.equal(degraded[0], degraded[1])
assert len(parameters.severities("vignetting")) == 3
"""


def test_the_module_of_the_readme_is_a_degradation(forks, tmp_path):
    (module,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    shutil.copytree(ROOT / "grids", tmp_path / "grids")
    (tmp_path / "grids/degradations/vignetting.py").write_text(module, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", TRIAL], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_another_workflow_takes_this_one_in_as_the_readme_says(forks, tree):
    (module,) = re.findall(r"```\n(configfile: .*?)```", README, flags=re.DOTALL)
    (tree.folder / "mine.yaml").write_text(yaml.safe_dump(tree.config))
    target = 'rule mine:\n    default_target: True\n    input: "results/groups.json"\n'
    (tree.folder / "Snakefile").write_text(f"{module}{target}".replace("CHECKOUT", str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run"],
        cwd=tree.folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^grids_train +\d", done.stdout, flags=re.MULTILINE), done.stdout
