from pathlib import Path

from grids.jobs import records
from grids.runs.outdated import outdated


def test_results_of_some_rules_made_with_other_parameters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = Path("results")
    results.mkdir()
    made = {"a": ("train", 3), "b": ("train", 5), "c": ("verify", 3), "d": ("ggd", 3)}
    for name, (rule, iterations) in made.items():
        (results / name).write_text(name)
        params = {"recipe": {"iterations": iterations}, "sizes": (1, 2), "code": "x"}
        records.write(results, rule, {"group": name}, [f"results/{name}"], params)
    (results / "e").write_text("no record")

    def expected(rule, wildcards):
        # Of one there is no job any more; the round before decides what another one is given.
        now = {"recipe": {"iterations": 5}, "sizes": (1, 2)}
        return None if wildcards["group"] == "c" else now

    # Snakemake's memory of them does not matter.
    assert outdated(results, expected, ["train", "verify"]) == {results / "a"}
    assert outdated(results, expected, ["train", "ggd"]) == {results / "a", results / "d"}
