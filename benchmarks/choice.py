"""How well a fitted choice does on photographs that took no part in it.

    python benchmarks/choice.py EXPORT FOLDER [FOLDER …]
    python benchmarks/choice.py grids/packaged/box $GRIDS_DATA/test/Kodak24
    python benchmarks/choice.py EXPORT FOLDER --gains --photographs 12

EXPORT is the folder of an export. For each folder of photographs: how often the right group is
chosen, in colour and in grey (noise alike in all channels in every other photograph), whole and in
crops of 256×256, at the values of evaluation and at some drawn from the training ranges of
`config/box.yaml` (`--configuration`); how well undamaged ones are told from damaged, and hazy ones
from all that is known; how many of these are refused by mistake; what is restored.

With `--gains` it restores the crops by each model: how many have an interval, how many gains lie
within it, what the choice gains against the mix alone and the best of all for each, and how often
it does harm. This takes its time.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from grids.base import randomness
from grids.bundle import contents
from grids.configuration import loading
from grids.images import reading, sets
from grids.models import restorers, tiles
from grids.selection import trial
from grids.selection.decision import MIX, UNUSUAL
from grids.selection.describer import Describer
from grids.selection.fitting import pictures
from grids.selection.fitting.cases import CROP, middle
from grids.selection.fitting.decisions import decisions
from grids.selection.fitting.gains import gain_db
from grids.selection.fitting.pictures import Pixels
from grids.selection.fitting.views import CLEAN, damaged
from grids.selection.rule import Rule

ROOT = Path(__file__).resolve().parents[1]
HAZE, TWO = "haze", "two"
SIGMAS, QUALITIES = (10.0, 15.0, 20.0), (20, 40, 70)
PAIRS = (("gaussian_blur", "jpeg"), ("sr", "gaussian_noise"), ("motion_blur", "poisson_noise"))
HARM_DB = -0.5
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Shown:
    """A photograph under a damage; `kind` is a row of what is printed."""

    kind: str
    degradation: str
    clean: Pixels
    degraded: Pixels


def shown(photograph: Pixels, name: str, number: int, settings) -> Iterator[Shown]:
    """All that is tried with a photograph."""
    at = {
        use: {each: settings.parameters(each, use) for each in (*settings.searched(), HAZE)}
        for use in ("evaluation", "training")
    }

    def case(kind: str, picture: Pixels, *steps: tuple[str, dict]) -> Shown:
        degraded = picture
        for step, values in steps:
            key = randomness.key(0, "choice", kind, step, name, json.dumps(values))
            degraded = damaged(degraded, step, values, key)
        if "grey" in kind and number % 2:
            degraded = pictures.alike(degraded)
        return Shown(kind, "+".join(step for step, _ in steps) or CLEAN, picture, degraded)

    grey, crop = pictures.grey(photograph), middle(photograph, CROP)
    for each in settings.searched():
        evaluated, drawn = at["evaluation"][each], at["training"][each]
        yield case("colour", photograph, (each, evaluated))
        yield case("grey", grey, (each, evaluated))
        yield case("drawn", photograph, (each, drawn))
        yield case("crop", crop, (each, evaluated))
        yield case("crop, drawn", crop, (each, drawn))
        yield case("crop, grey, drawn", middle(grey, CROP), (each, drawn))
    for sigma in SIGMAS:
        yield case(f"σ {sigma:g}", photograph, ("gaussian_noise", {"sigma": sigma}))
        yield case(f"σ {sigma:g}, grey", grey, ("gaussian_noise", {"sigma": sigma}))
    for quality in QUALITIES:
        yield case(f"JPEG {quality}", photograph, ("jpeg", {"quality": quality}))
    for kind, picture in ((CLEAN, photograph), ("clean, grey", grey), ("crop, clean", crop)):
        yield case(kind, picture)
    yield case(HAZE, photograph, (HAZE, at["evaluation"][HAZE]))
    yield case("haze, drawn", photograph, (HAZE, at["training"][HAZE]))
    for first, second in PAIRS:
        steps = [(each, at["training"][each]) for each in (first, second)]
        yield case(f"crop, {TWO}", crop, *steps)


def above(positive: pd.Series, negative: pd.Series) -> float:
    """Area under the curve of one against the other."""
    pairs = positive.to_numpy()[:, None] - negative.to_numpy()
    return float((pairs > 0).mean() + (pairs == 0).mean() / 2)


def measured(
    folder: Path, describer: Describer, rule: Rule, settings, networks, with_gains: bool, most: int
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Statistics of all that is shown, and of each model what `decisions` takes.

    Tried are those that may restore: the likeliest group's, and the mix. Gains are measured
    `with_gains`, of crops alone.
    """
    forwards = [tiles.of_arrays(network, CPU) for network in networks]
    rows, of_models = [], [[] for _ in networks]
    for number, path in enumerate(sets.find(str(folder))[:most]):
        for case in shown(reading.read(path), path.name, number, settings):
            about = {"photograph": path.name, "kind": case.kind, "degradation": case.degradation}
            statistics = describer(case.degraded)
            rows.append(about | vars(statistics))
            pair = (rule.probabilities(statistics.vector[None])[0].argmax(), len(networks) - 1)
            tried = {n: trial.tried(case.degraded, forwards[n]) for n in pair}
            restored = with_gains and case.kind.startswith("crop")
            for n, network in enumerate(networks):
                gain = np.nan
                if restored:
                    gain = gain_db(network, case.clean, case.degraded, CPU, "fp32")
                own = tried.get(n, np.full_like(tried[pair[0]], np.nan))
                of_models[n].append({"gain_db": gain, "trial": own})
    return pd.DataFrame(rows), [*map(pd.DataFrame, of_models)]


def show(table: pd.DataFrame) -> None:
    """The figures of a folder; rows of `decisions`."""
    known = table[~table["kind"].str.contains(f"{HAZE}|{TWO}")]
    right = table["discriminant"] == table["group"]
    for kind in dict.fromkeys(table["kind"][table["group"].notna()]):
        print(f"  right group, {kind:<18} {right[table['kind'] == kind].mean():.3f}")
    clean, damaged_ones = (table["odds"][table["kind"] == kind] for kind in (CLEAN, "colour"))
    print(f"  AUROC of undamaged against damaged {above(clean, damaged_ones):.3f}")
    for kind in (HAZE, "haze, drawn"):
        hazy = table[table["kind"] == kind]
        print(
            f"  {kind}: AUROC {above(-hazy['usualness'], -known['usualness']):.3f}, "
            f"refused {(hazy['usualness'] < UNUSUAL).mean():.3f}"
        )
    print(f"  refused by mistake {(known['usualness'] < UNUSUAL).mean():.3f}")
    for name, own in table[table["kind"].isin(["colour", CLEAN])].groupby("degradation"):
        share = own["verdict"].value_counts(normalize=True)
        print(
            f"  {name:<18} right {right[own.index].mean():.2f}; "
            + ", ".join(f"{verdict} {part:.2f}" for verdict, part in share.items())
        )


def show_gains(table: pd.DataFrame) -> None:
    """The figures of the crops that were restored."""
    gains = table.filter(like="gain_db:")
    own = np.array([row[f"gain_db:{row['model']}"] for _, row in table.iterrows()])
    given = np.isfinite(table["high_db"] - table["low_db"])
    within = (table["low_db"] <= own) & (own <= table["high_db"])
    reached = pd.Series(np.where(table["verdict"] == "restore", own, 0.0), table.index)
    mix, best = gains[f"gain_db:{MIX}"], gains.max(axis=1).clip(lower=0)
    print("  kind                given  within  gain: chosen    mix   best   harm  (of the mix)")
    for kind, rows in table.groupby("kind").groups.items():
        held = within[rows][given[rows]].mean()
        print(
            f"  {kind:<18} {given[rows].mean():6.2f} {held:7.2f} {reached[rows].mean():13.2f} "
            f"{mix[rows].mean():6.2f} {best[rows].mean():6.2f} "
            f"{(reached[rows] < HARM_DB).mean():6.3f} {(mix[rows] < HARM_DB).mean():6.3f}"
        )
    print("  by degradation: given, within, restored")
    for name, rows in table.groupby("degradation").groups.items():
        restored = (table["verdict"][rows] == "restore").mean()
        held = within[rows][given[rows]].mean()
        print(f"  {name:<30} {given[rows].mean():.2f} {held:.2f} {restored:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("export", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--gains", action="store_true")
    parser.add_argument("--photographs", type=int, default=24)
    parser.add_argument("--configuration", type=Path, default=ROOT / "config" / "box.yaml")
    options = parser.parse_args()
    given = yaml.safe_load(options.configuration.read_text(encoding="utf-8"))
    # Its photographs are not read.
    report = given.get("report", {}) | {"test_sets": []}
    settings = loading.load(given | {"images": {}, "report": report})
    export = contents.read(options.export)
    rule, groups = Rule.of(export.selector), {name: name.split("+") for name in export.groups}
    described = {name: value for name, value in settings.describing().items() if name != "layer"}
    networks = [
        restorers.read(path, export.backbone, export.sizes, CPU)
        for path in (*export.models.values(), export.mix)
    ]
    for folder in options.folders:
        print(folder)
        describer = Describer(**described)
        cases, of_models = measured(
            folder, describer, rule, settings, networks, options.gains, options.photographs
        )
        by_model = dict(zip([*groups, MIX], of_models, strict=True))
        table = decisions(cases, rule, groups, by_model)
        show(table)
        if options.gains:
            show_gains(table[table["kind"].str.startswith("crop")].reset_index(drop=True))


if __name__ == "__main__":
    main()
