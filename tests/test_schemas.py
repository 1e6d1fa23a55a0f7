import pandas as pd
import pytest

from grids.base.errors import InputError
from grids.jobs import places, schemas


@pytest.mark.parametrize("place", schemas.COLUMNS)
def test_each_column_of_each_table_is_needed(tmp_path, place):
    path = tmp_path / places.anywhere(place).replace("*", "name")
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({column: [1] for column in schemas.COLUMNS[place].split()})
    table.assign(more=1).to_parquet(path)
    schemas.check(tmp_path, [path])
    for column in table:
        table.drop(columns=column).to_parquet(path)
        with pytest.raises(InputError, match=rf"{path.name}: no column {column} \(made by"):
            schemas.check(tmp_path, [path])


def test_a_file_that_is_no_table_is_named(tmp_path):
    path = tmp_path / "similarity.parquet"
    path.write_bytes(b"source,target,distance\n")
    with pytest.raises(InputError, match=r"similarity.parquet: no table .*delete it"):
        schemas.check(tmp_path, [path])


def test_other_files_are_passed_over(tmp_path):
    schemas.check(
        tmp_path, ["verify/a/b/c.parquet", tmp_path / "ggd.png", tmp_path / "x/ggd/a.parquet"]
    )
