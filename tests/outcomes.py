"""What runs that are compared must have in common, to the bit."""

import json

import numpy as np
import pandas as pd
from safetensors.torch import load_file


def results(tree):
    """What a run must end with, whatever happened on the way."""
    groups = json.loads(tree.path("groups.json").read_text(encoding="utf-8"))
    similarity = pd.read_parquet(tree.path("similarity.parquet"))
    models = {
        str(path.relative_to(tree.path(""))): load_file(path)
        for path in sorted(tree.path("").rglob("model.safetensors"))
    }
    return groups, similarity, models


def assert_same(tree, expected):
    groups, similarity, models = expected
    found_groups, found_similarity, found_models = results(tree)
    assert found_groups == groups
    pd.testing.assert_frame_equal(found_similarity, similarity, check_exact=True)
    assert set(found_models) == set(models)
    for name, weights in models.items():
        for tensor, value in weights.items():
            assert np.array_equal(found_models[name][tensor], value), (name, tensor)
