"""The models of an export as packages that darktable installs (its neural restore, denoise).

What a package holds, by darktable's documentation (`src/ai/README.md` of darktable,
`docs/dtmodel-format.md` of its SDK, the selection criteria of darktable-ai): a zip file
`ID.dtmodel` with one folder ID and in it `config.json` and `model.onnx`, input and output float32
[1, 3, height, width] of sRGB values. darktable cuts tiles that overlap by 64 pixels. Beside each
package lies what OpenModelDB asks of a model, in JSON.
"""

import datetime
import hashlib
import json
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import onnx

from grids.base.errors import InputError
from grids.bundle import card
from grids.bundle.contents import Bundle
from grids.models.tiling import Needs

OVERLAP = 64
# The side of a tile, as its own models have it.
TILE = 768


def write(bundle: Bundle, folder: Path) -> list[Path]:
    """Writes `ID.dtmodel` and `ID.json` for each group into a new or empty folder; the packages.

    Raises:
        InputError: the export has no ONNX models, a model reaches farther than the overlap of
            tiles, or the folder holds something.
    """
    if bundle.graphs is None:
        raise InputError(f"{bundle.folder}: holds no ONNX models; export again")
    needs = Needs(**bundle.graphs.needs)
    if needs.halo > OVERLAP:
        raise InputError(
            f"{bundle.folder}: its models look {needs.halo} pixels beyond a tile, but darktable's "
            f"tiles overlap by {OVERLAP}"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: exists already; name a new or empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    front = card.front(bundle.card)
    packages = []
    for group in bundle.groups:
        about = _config(bundle, group, needs, front)
        package = folder / f"{about['id']}.dtmodel"
        # With its weights inside: darktable installs the files of the package alone.
        model = onnx.load(bundle.graphs.models[group]).SerializeToString()
        with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in (
                ("config.json", _json(about)),
                ("README.md", bundle.card),
                ("model.onnx", model),
            ):
                archive.writestr(f"{about['id']}/{name}", content)
        described = _open_model(bundle, about, model)
        package.with_suffix(".json").write_text(_json(described), encoding="utf-8")
        packages.append(package)
    return packages


def _config(bundle: Bundle, group: str, needs: Needs, front: dict[str, Any]) -> dict[str, Any]:
    members = group.replace("+", ", ").replace("_", " ")
    return {
        "id": "denoise-grids-" + group.replace("+", "-").replace("_", "-"),
        "name": f"denoise grids {members}",
        "description": f"{bundle.backbone} that restores photographs damaged by {members}",
        "task": "denoise",
        # darktable asks whether it is another one.
        "version": f"{metadata.version('grids')}+{bundle.fingerprints[group][:8]}",
        "arch": bundle.backbone,
        "backend": "onnx",
        "tiling": True,
        "num_inputs": 1,
        "spatial_dims": ["height", "width"],
        "attributes": {"input_sizes": [TILE // needs.grid * needs.grid]},
        "model_card": {
            "long_description": f"One of {len(bundle.groups)} models, each for a group of damage "
            f"that one network restores well together: {members}. GRIDS chooses among them by the "
            "photograph; here the choice is yours.",
            "scope": f"restoring photographs damaged by {members}",
            "author": "GRIDS contributors",
            "paper": card.PAPER,
            "license": str(front.get("license", "unknown")),
            "training_data": ", ".join(map(str, front.get("datasets", []))) or "not said",
            "training_data_license": "see README.md in the package",
            "notes": "trained on damage that was made by computation; measured in README.md",
        },
    }


def _open_model(bundle: Bundle, about: dict[str, Any], model: bytes) -> dict[str, Any]:
    """What OpenModelDB's schema asks of a model; where to load it from is for the publisher."""
    return {
        "name": about["name"],
        "author": "grids-contributors",
        "license": about["model_card"]["license"].upper(),
        "tags": ["denoise", "photo", "restoration"],
        "description": about["model_card"]["long_description"],
        "date": datetime.date.today().isoformat(),
        "architecture": bundle.backbone,
        "size": None,
        "scale": 1,
        "inputChannels": 3,
        "outputChannels": 3,
        "resources": [
            {
                "platform": "onnx",
                "type": "onnx",
                "size": len(model),
                "sha256": hashlib.sha256(model).hexdigest(),
                "urls": [],
            }
        ],
        "dataset": about["model_card"]["training_data"],
        "images": [],
    }


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=4, ensure_ascii=False) + "\n"
