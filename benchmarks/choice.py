"""How well a fitted choice does on photographs that took no part in it.

    python benchmarks/choice.py EXPORT FOLDER [FOLDER …]
    python benchmarks/choice.py grids/packaged/box $GRIDS_DATA/test/Kodak24
    python benchmarks/choice.py EXPORT FOLDER --gains --photographs 12 --after 6

EXPORT is the folder of an export. For each folder of photographs: how often the right group is
chosen, in colour and in grey (noise alike in all channels in every other photograph), whole and in
crops of 256×256, at the values of evaluation and at some drawn from the training ranges of
`config/box.yaml` (`--configuration`); how well undamaged ones are told from damaged, and hazy ones
from all that is known; how many of these are refused by mistake; what is restored.

With `--undamaged`, instead, the pictures are taken as they are: how many are restored all the same,
and which come out more than 0.5 dB worse, by the steps that are planned (a difference of more than
45 dB counts as none).

    python tests/drawn_pictures.py DRAWN
    python benchmarks/choice.py EXPORT DRAWN $GRIDS_DATA/pies --undamaged --photographs 100

With `--gains`, instead, it restores the crops by each model and through the steps that are planned:
to how many a gain is promised, how many gains lie within the interval, what one step and all gain
against the mix alone and the best of all for each, and how often they do harm. This takes its time.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from grids.selection.fitting.gains import gain_db, made_of, seen_db
from grids.selection.fitting.pictures import Pixels
from grids.selection.fitting.views import CLEAN, damaged
from grids.selection.plan import STEPS, plan
from grids.selection.rule import Rule
from grids.selection.statistics import Statistics
from grids.selection.trial import Forward

ROOT = Path(__file__).resolve().parents[1]
HAZE, TWO = "haze", "two"
SIGMAS, QUALITIES = (10.0, 15.0, 20.0), (20, 40, 70)
PAIRS = (
    ("gaussian_blur", "jpeg"),
    ("sr", "gaussian_noise"),
    ("motion_blur", "poisson_noise"),
    ("gaussian_blur", "gaussian_noise"),
    ("gaussian_noise", "jpeg"),
    ("sr", "jpeg"),
    ("inpainting", "gaussian_noise"),
    ("salt_pepper_noise", "jpeg"),
)
HARM_DB, WORSE_DB = -0.5, -0.05
LOOKS, WAYS = ("at_first", "given"), ("one", "all", "mix", "best")
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
        for kind, use in ((f"crop, {TWO}", "evaluation"), (f"crop, {TWO}, drawn", "training")):
            yield case(kind, crop, *((each, at[use][each]) for each in (first, second)))


def above(positive: pd.Series, negative: pd.Series) -> float:
    """Area under the curve of one against the other."""
    pairs = positive.to_numpy()[:, None] - negative.to_numpy()
    return float((pairs > 0).mean() + (pairs == 0).mean() / 2)


def measured(
    paths: Sequence[Path],
    first: int,
    describer: Describer,
    rule: Rule,
    settings,
    networks,
    with_gains: bool,
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Statistics of all that is shown, and of each model what `decisions` takes.

    Tried are those that may restore: the likeliest group's, and the mix. `with_gains` these are
    crops alone, with the gains of all models and what becomes of each crop that is `planned`.
    """
    forwards = [tiles.of_arrays(network, CPU) for network in networks]
    rows, of_models = [], [[] for _ in networks]
    for number, path in enumerate(paths, first):
        for case in shown(reading.read(path), path.name, number, settings):
            if with_gains and not case.kind.startswith("crop"):
                continue
            about = {"photograph": path.name, "kind": case.kind, "degradation": case.degradation}
            statistics = describer(case.degraded)
            about |= vars(statistics)
            pair = (rule.probabilities(statistics.vector[None])[0].argmax(), len(networks) - 1)
            parts = trial.parts(case.degraded)
            tried = {n: trial.tried(parts, forwards[n]).numbers for n in pair}
            if with_gains:
                about |= planned(case, statistics, describer, rule, networks)
            rows.append(about)
            for n, network in enumerate(networks):
                gain = np.nan
                if with_gains:
                    gain = gain_db(network, case.clean, case.degraded, CPU, "fp32")
                own = tried.get(n, np.full_like(tried[pair[0]], np.nan))
                of_models[n].append({"gain_db": gain, "trial": own})
    return pd.DataFrame(rows), [*map(pd.DataFrame, of_models)]


def planned(
    case: Shown, statistics: Statistics, describer: Describer, rule: Rule, networks
) -> dict[str, Any]:
    """What becomes of a crop in as many steps as may be taken.

    Whether a gain is `promised`, and `gains_db` after each step that is taken.
    """
    names = tuple(map(str, range(len(networks) - 1)))
    by_name = dict(zip((*names, MIX), networks, strict=True))

    def forward(name: str) -> Forward:
        return tiles.of_arrays(by_name[name], CPU)

    steps = plan(case.degraded, statistics, describer, rule, names, forward, most=STEPS)
    picture, before = case.degraded, seen_db(case.clean, case.degraded)
    gains = []
    for step in steps if steps[0].verdict == "restore" else ():
        picture = made_of(picture, by_name[step.model], CPU, "fp32")
        gains.append(seen_db(case.clean, picture) - before)
    return {"promised": steps[0].interval_db is not None, "gains_db": gains}


def show_undamaged(paths: Sequence[Path], describer: Describer, rule: Rule, networks) -> None:
    """What becomes of pictures that need nothing."""
    restored, harm = 0, {}
    for path in paths:
        picture = reading.read(path)
        case = Shown(CLEAN, CLEAN, picture, picture)
        gains = planned(case, describer(picture), describer, rule, networks)["gains_db"]
        restored += bool(gains)
        if gains and gains[-1] < HARM_DB:
            harm[path.stem] = round(gains[-1], 1)
    print(f"  {len(paths)} undamaged, {restored} restored, {len(harm)} over 0.5 dB worse: {harm}")


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
    taken = table["gains_db"].map(len)
    told = table.assign(
        given=table["promised"],
        at_first=np.isfinite(table["high_db"] - table["low_db"]),
        within=(table["low_db"] <= own) & (own <= table["high_db"]),
        one=table["gains_db"].map(lambda each: each[0] if each else 0.0),
        all=table["gains_db"].map(lambda each: each[-1] if each else 0.0),
        mix=gains[f"gain_db:{MIX}"],
        best=gains.max(axis=1).clip(lower=0),
        restored=taken > 0,
        further=(taken - 1).clip(lower=0),
        worse=table["gains_db"].map(lambda each: int((np.diff(each) < WORSE_DB).sum())),
    )
    print("  promises: given (within) at first, given (within) after the look at what is left")
    for by in ("kind", "degradation"):
        for name, rows in told[told["restored"]].groupby(by):
            held = [
                f"{rows[at].mean():.2f} ({rows['within'][rows[at]].mean():.2f})" for at in LOOKS
            ]
            print(f"  {name:<30} {len(rows):4}  {'   '.join(held)}")
    print(
        "  gain of one step, of all, of the mix, of the best model; more than 0.5 dB worse by these"
    )
    for by in ("kind", "degradation"):
        for name, rows in told.groupby(by):
            means = "  ".join(f"{rows[way].mean():6.2f}" for way in WAYS)
            harm = "  ".join(f"{(rows[way] < HARM_DB).mean():.3f}" for way in WAYS[:-1])
            steps = (
                f"{rows['further'].sum():3} further steps, {rows['worse'].sum():2} for the worse"
            )
            print(f"  {name:<30} {len(rows):4}  {means}   {harm}   {steps}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("export", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--gains", action="store_true")
    way.add_argument("--undamaged", action="store_true")
    parser.add_argument("--photographs", type=int, default=24, help="so many of each folder")
    parser.add_argument("--after", type=int, default=0, help="the first so many are left out")
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
        paths = sets.find(str(folder))[options.after :][: options.photographs]
        if options.undamaged:
            show_undamaged(paths, describer, rule, networks)
            continue
        cases, of_models = measured(
            paths, options.after, describer, rule, settings, networks, options.gains
        )
        by_model = dict(zip([*groups, MIX], of_models, strict=True))
        table = decisions(cases, rule, groups, by_model)
        (show_gains if options.gains else show)(table)


if __name__ == "__main__":
    main()
