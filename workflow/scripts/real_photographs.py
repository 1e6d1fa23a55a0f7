import pandas as pd

from grids import devices, selector_file
from grids.errors import InputError
from grids.files import appearing
from grids.image_statistics import Describer
from grids.progress import Progress, job
from grids.selection import Rule, decide
from grids.store import Store

with job(snakemake) as say:
    given = snakemake.input
    device = devices.use(snakemake.config["execution"]["device"], snakemake.threads)
    arrays, about = selector_file.read(given.selector)
    describer = Describer(
        given.descriptor, device, snakemake.params.precision, **about["describing"]
    )
    rule, groups = Rule.of(arrays), tuple(about["groups"])
    table = pd.read_parquet(given.index)
    rows = []
    shown = Progress("choices", len(table), "images", say).over(Store(given.store, table))
    for path, photograph in zip(table["path"], shown, strict=True):
        try:
            decision = decide(rule, groups, describer(photograph))
        except InputError as error:
            rows.append({"photograph": path, "reason": str(error)})
            continue
        low, high = decision.interval_db
        rows.append(
            {
                "photograph": path,
                "group": decision.group,
                "probability": decision.scores[decision.group],
                "distance": decision.distances[decision.group],
                "predicted_gain_db": decision.predicted_gain_db,
                "low_db": low,
                "high_db": high,
                "usualness": decision.usualness,
                "known": decision.known,
                "reason": decision.reason,
            }
        )
    with appearing(snakemake.output.decisions) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False, float_format="%.4f")
