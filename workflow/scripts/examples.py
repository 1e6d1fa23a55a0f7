from pathlib import Path

import numpy as np
import pandas as pd

from grids.images import reading
from grids.images.store import Store
from grids.jobs.job import job
from grids.selection import examples
from grids.selection.fitting.cases import middle
from grids.selection.fitting.pictures import Shares
from grids.selection.fitting.views import sources_of, views

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    index = pd.read_parquet(given.index)
    classes = [Path(path).stem for path in given.views]
    tables = [pd.read_parquet(path).head(params.number) for path in given.views]
    pictures = [
        middle(view.degraded, examples.SIDE)
        for name, table in zip(classes, tables, strict=True)
        for view in views(
            Store(given.store, index),
            reading.identities(index),
            sources_of(index["path"]),
            name,
            params.parameters[name],
            Shares(**params.pictures),
            [*table["number"]],
            params.seed,
        )
    ]
    shown = examples.Examples(
        classes=tuple(classes),
        labels=np.repeat(np.arange(len(classes)), [*map(len, tables)]),
        vectors=np.stack(pd.concat(tables)["vector"]).astype(np.float32),
        pictures=np.stack(pictures),
    )
    examples.save(Path(snakemake.output.examples), shown)
