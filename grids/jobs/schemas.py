"""The columns that tables of the results must have: what rules rely on between them.

Snakemake has a table made again when the code that writes it changes. One of another version gets
past that only where Snakemake's memory and the records are both gone; then this says so.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from grids.base.errors import InputError
from grids.jobs import places

INDEX = "path sha256 bytes inode changed_ns left width height"
AFFINITY = "source target affinity affinity_std measurements"
VERIFICATION = "degradation image psnr_db ssim input_psnr_db"

COLUMNS = {
    places.CURRENT_INDEX: INDEX,
    places.INDEX: INDEX,
    places.PIES: "id image psnr_db parameters",
    places.LAW: "alpha sigma patches components histogram histogram_limit",
    places.SEVERITY: "parameters psnr_db distance distance_std",
    places.SIMILARITY: "source target kl distance distance_std",
    places.HISTORY: "step loss learning_rate steps_per_second validation_psnr_db",
    places.AFFINITY: AFFINITY,
    places.VERIFICATION: VERIFICATION,
    places.LEVEL_VERIFICATION: VERIFICATION,
    places.RESEEDED_VERIFICATION: VERIFICATION,
    places.COMPARED_VERIFICATION: VERIFICATION,
    places.MEASUREMENT: "degradation image psnr_db",
    places.VIEWS: "number photograph vector alpha sigma",
    places.CASES: "photograph kind degradation parameters vector alpha sigma",
    places.GAINS: "gain_db trial",
}


def check(results: Path, files: Iterable[str | Path]) -> None:
    """Tables of the results must have their columns; other files are passed over.

    Raises:
        InputError: names the first file that lacks a column, and the column.
    """
    for path in map(Path, files):
        if not path.is_relative_to(results):
            continue
        # From a root, since a relative pattern may match the last parts alone.
        inside = PurePosixPath("/", path.relative_to(results))
        for place, columns in COLUMNS.items():
            fits = inside.match(f"/{places.anywhere(place)}")
            if fits and (missing := set(columns.split()) - _columns(path)):
                raise InputError(
                    f"{path}: no column {min(missing)} (made by another version?); "
                    "delete it and run again"
                )


def _columns(path: Path) -> set[str]:
    try:
        return set(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: no table ({reason}); delete it and run again") from None
