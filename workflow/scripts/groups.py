import json
from pathlib import Path

import pandas as pd

from grids.base.files import appearing
from grids.images import overlap
from grids.jobs.job import job
from grids.search import plans, result

with job(snakemake) as say:
    params = snakemake.params
    tested = pd.concat(map(pd.read_parquet, snakemake.input.tested))
    trained = pd.concat([tested[:0], *map(pd.read_parquet, snakemake.input.trained)])
    shared = overlap.shared(trained, tested)
    summary = result.summary(
        [plans.read(Path(path)) for path in snakemake.input.plans],
        [pd.read_parquet(path) for path in snakemake.input.verifications],
        [pd.read_parquet(path) for path in snakemake.input.noise],
        degradations=params.degradations,
        backbone=params.backbone,
        test_set=params.test_set,
        levels=params.levels,
        elsewhere=params.elsewhere,
        trained_on=shared,
        caution=overlap.described(shared, len(tested), params.test_set) if shared else "",
        models=f"{Path(snakemake.output.groups).parent}/models/{params.backbone}",
    )
    with appearing(snakemake.output.groups) as temporary:
        text = json.dumps(summary, indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    say(summary["verdict"])
