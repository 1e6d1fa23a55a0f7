"""How well a fitted choice does on photographs that took no part in it.

    python benchmarks/choice.py EXPORT FOLDER [FOLDER …]
    python benchmarks/choice.py grids/packaged/box $GRIDS_DATA/test/Kodak24
    python benchmarks/choice.py EXPORT FOLDER --gains --photographs 12 --after 6

EXPORT is the folder of an export. For each folder of photographs: how often the right group is
chosen, in colour, in grey (noise alike in all channels in every other photograph) and where they
were saved as a JPEG file of quality 90 with halved colours after the damage, whole and in crops of
256×256, at the values of evaluation and at some drawn from the training ranges of
`config/box.yaml` (`--configuration`); how well undamaged ones are told from damaged, and hazy ones
from all that is known; how many of these are refused by mistake; what is restored.

With `--undamaged`, instead, the pictures are taken as they are: how many are restored all the same,
and which come out more than 0.5 dB worse, by the steps that are planned (a difference of more than
45 dB counts as none).

    python tests/drawn_pictures.py DRAWN
    python benchmarks/choice.py EXPORT DRAWN $GRIDS_DATA/pies --undamaged --photographs 100

With `--severities`, instead, the crops have damage from half the least to twice the most of the
training ranges, in colour and in grey: by strength, how often the group is right and what is
promised, kept and gained by the first step.

With `--cost`, instead, the photographs are enlarged to two megapixels: what the choice takes of the
time that the chosen model's network takes for them under each degradation at the values of
evaluation, and for them as they are the mix's; by OpenVINO in fp32 and, where `auto` is another
precision, in that, of processor time with one thread.

    OMP_NUM_THREADS=1 python benchmarks/choice.py EXPORT FOLDER --cost --photographs 1 --after 2

With `--gains`, instead, it restores the crops by each model and through the steps that are planned:
to how many a gain is promised, how many gains lie within the interval, what one step and all gain
against the mix alone and the best of all for each, and how often they do harm. This takes its time.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from PIL import Image
from runtimes import fastest

from grids.base import randomness
from grids.bundle import contents
from grids.configuration import loading
from grids.degrading import around
from grids.degrading.around import Pixels
from grids.degrading.names import CLEAN
from grids.images import reading, sets
from grids.models import restorers, tiles
from grids.pixels.psnr import psnr
from grids.report import selection
from grids.restoring import runtime
from grids.restoring.selector import Selector
from grids.selection import trial
from grids.selection.decision import MIX, POSSIBLE, UNUSUAL
from grids.selection.describer import Describer
from grids.selection.fitting.cases import CROP, Case, middle
from grids.selection.fitting.decisions import decisions
from grids.selection.fitting.gains import gain_db
from grids.selection.fitting.steps import Steps
from grids.selection.fitting.views import damaged
from grids.selection.plan import STEPS
from grids.selection.rule import Rule

ROOT = Path(__file__).resolve().parents[1]
HAZE, TWO = "haze", "two"
SIGMAS, QUALITIES = (10.0, 15.0, 20.0), (20, 40, 70)
SAVED = (90, around.HALVED)
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
# Two megapixels, in sides of whole strides; of so many times the fastest counts.
SIDES, REPEATS = (1152, 1736), 3
CPU = torch.device("cpu")


def shown(photograph: Pixels, name: str, number: int, settings) -> Iterator[Case]:
    """All that is tried with a photograph; the kind is a row of what is printed."""
    at = {
        use: {each: settings.parameters(each, use) for each in (*settings.searched(), HAZE)}
        for use in ("evaluation", "training")
    }

    def case(kind: str, picture: Pixels, *steps: tuple[str, dict], at_strength=None) -> Case:
        degraded = picture
        for step, values in steps:
            key = randomness.key(0, "choice", kind, step, name, json.dumps(values))
            degraded = damaged(degraded, step, values, key)
        if "grey" in kind and number % 2:
            degraded = around.alike(degraded)
        if "saved" in kind:
            degraded = around.as_file(degraded, *SAVED)
        label = "+".join(step for step, _ in steps) or CLEAN
        return Case(kind, label, "{}", picture, degraded, at_strength)

    grey, crop = around.grey(photograph), middle(photograph, CROP)
    for each in settings.searched():
        evaluated, drawn = at["evaluation"][each], at["training"][each]
        yield case("colour", photograph, (each, evaluated))
        yield case("grey", grey, (each, evaluated))
        yield case("saved", photograph, (each, evaluated))
        yield case("drawn", photograph, (each, drawn))
        yield case("crop", crop, (each, evaluated))
        yield case("crop, saved", crop, (each, evaluated))
        yield case("crop, drawn", crop, (each, drawn))
        yield case("crop, grey, drawn", middle(grey, CROP), (each, drawn))
        for strength, values in settings.strengths(each).items():
            for kind, picture in (("severity", crop), ("severity_grey", middle(grey, CROP))):
                yield case(kind, picture, (each, values), at_strength=strength)
    for sigma in SIGMAS:
        yield case(f"σ {sigma:g}", photograph, ("gaussian_noise", {"sigma": sigma}))
        yield case(f"σ {sigma:g}, grey", grey, ("gaussian_noise", {"sigma": sigma}))
        yield case(f"σ {sigma:g}, saved", photograph, ("gaussian_noise", {"sigma": sigma}))
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
    kinds: str,
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Statistics of all that is shown, and of each model what `decisions` takes.

    Tried are those that may restore: of groups that are likely enough, and the mix. Of `crop` and
    `severity`, what the names of kinds begin with, the gains of all models are measured as well,
    and of `crop` what becomes of each in all steps.
    """
    forwards = [tiles.of_arrays(network, CPU) for network in networks]
    steps = stepping(describer, rule, networks)
    rows, of_models, mix = [], [[] for _ in networks], len(networks) - 1
    for number, path in enumerate(paths, first):
        for case in shown(reading.read(path), path.name, number, settings):
            if not case.kind.startswith(kinds) or (case.strength and not kinds):
                continue
            about = {"photograph": path.name, "kind": case.kind, "degradation": case.degradation}
            about |= {"strength": case.strength, "psnr_db": psnr(case.clean, case.degraded)}
            statistics = describer(case.degraded)
            about |= vars(statistics)
            shares = rule.probabilities(statistics.vector[None])[0]
            # What `decisions` works out for all at once may be rounded otherwise.
            possible = np.flatnonzero(shares >= min(0.99 * POSSIBLE, shares.max()))
            window = trial.window(case.degraded)
            tried = {n: trial.tried(window, forwards[n]).numbers for n in [*possible, mix]}
            if kinds == "crop":
                about |= {f"planned:{name}": told for name, told in steps.of(case).items()}
            rows.append(about)
            for n, network in enumerate(networks):
                gain = np.nan
                if kinds:
                    gain = gain_db(network, case.clean, case.degraded, CPU, "fp32")
                own = tried.get(n, np.full_like(tried[mix], np.nan))
                of_models[n].append({"gain_db": gain, "trial": own})
    return pd.DataFrame(rows), [*map(pd.DataFrame, of_models)]


def stepping(describer: Describer, rule: Rule, networks) -> Steps:
    names = (*map(str, range(len(networks) - 1)), MIX)
    return Steps(describer, rule, dict(zip(names, networks, strict=True)), CPU)


def show_undamaged(paths: Sequence[Path], describer: Describer, rule: Rule, networks) -> None:
    """What becomes of pictures that need nothing."""
    steps, restored, harm = stepping(describer, rule, networks), 0, {}
    for path in paths:
        picture = reading.read(path)
        gains = steps.of(Case(CLEAN, CLEAN, "{}", picture, picture))["steps_db"]
        restored += bool(gains)
        if gains and gains[-1] < HARM_DB:
            harm[path.stem] = round(gains[-1], 1)
    print(f"  {len(paths)} undamaged, {restored} restored, {len(harm)} over 0.5 dB worse: {harm}")


def show_cost(paths: Sequence[Path], first: int, export: contents.Bundle, settings) -> None:
    """What the choice takes of the time of the network that it chooses."""
    ready = {}
    for asked in ("fp32", "auto"):
        loaded = runtime.choose("openvino", export, "cpu", asked)
        ready[loaded.precision] = loaded, Selector(export, loaded.trial, most=STEPS)
    rows, (height, width) = [], SIDES
    for number, path in enumerate(paths, first):
        large = np.asarray(Image.fromarray(reading.read(path)).resize((width, height)))
        for name in (*settings.searched(), CLEAN):
            picture = large
            if name != CLEAN:
                values = settings.parameters(name, "evaluation")
                picture = damaged(large, name, values, randomness.key(0, "cost", name, number))
            planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32) / 255
            about: dict[str, object] = {"degradation": name}
            for precision, (loaded, selector) in ready.items():
                decision, *further = selector.decide(picture)
                about |= {"model": decision.model, "verdict": decision.verdict}
                about |= {"tried": len(decision.gains_db), "further": len(further)}
                network = loaded.network(MIX if name == CLEAN else decision.model, SIDES)
                choosing = fastest(selector.decide, picture, REPEATS)
                spent = fastest(network, planes, REPEATS)
                at = {"choice_s": choosing, "network_s": spent, "share": choosing / spent}
                about |= {f"{precision}: {key}": value for key, value in at.items()}
            rows.append(about)
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    print(table.filter(like="share").mean().round(3).to_string())


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


def show_severities(table: pd.DataFrame) -> None:
    """The figures of the crops of all strengths."""
    print(selection.severities(table).round(3).to_string(index=False))


def show_gains(table: pd.DataFrame) -> None:
    """The figures of the crops that were restored."""
    gains = table.filter(like="gain_db:")
    own = np.array([row[f"gain_db:{row['model']}"] for _, row in table.iterrows()])
    restored = table["verdict"] == "restore"
    at_first = np.isfinite(table["high_db"] - table["low_db"])[restored]
    within = ((table["low_db"] <= own) & (own <= table["high_db"]))[restored]
    print(f"  of the first step: given {at_first.mean():.2f}, within {within[at_first].mean():.2f}")
    names = {name: name.removeprefix("planned:") for name in table.filter(like="planned:")}
    steps = table[["kind", "degradation", *names]].rename(columns=names)
    best = gains.max(axis=1).clip(lower=0)
    for by in ("kind", "degradation"):
        shown = selection.outsiders(steps, [by])
        mean = best.groupby(table[by], sort=False).mean()
        print(shown.assign(best_db=mean.to_numpy()).round(3).to_string(index=False))
    further = (steps["steps_db"].map(len) - 1).clip(lower=0).sum()
    worse = steps["steps_db"].map(lambda each: int((np.diff(each) < WORSE_DB).sum())).sum()
    print(f"  {further} further steps, {worse} for the worse")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("export", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--gains", action="store_true")
    way.add_argument("--severities", action="store_true")
    way.add_argument("--undamaged", action="store_true")
    way.add_argument("--cost", action="store_true")
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
        if options.cost:
            show_cost(paths, options.after, export, settings)
            continue
        kinds = "crop" if options.gains else "severity" if options.severities else ""
        cases, of_models = measured(
            paths, options.after, describer, rule, settings, networks, kinds
        )
        by_model = dict(zip([*groups, MIX], of_models, strict=True))
        table = decisions(cases, rule, groups, by_model)
        {"crop": show_gains, "severity": show_severities, "": show}[kinds](table)


if __name__ == "__main__":
    main()
