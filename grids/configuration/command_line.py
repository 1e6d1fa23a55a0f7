"""What a command line gives, as a file would give it."""

from collections.abc import Mapping
from typing import Any

import yaml


def as_of_a_file(config: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with numbers, truth values and null where a file would have them.

    Of `--config 'search={requests_per_round: 2}'` Snakemake makes a mapping of texts.

    Args:
        config: as Snakemake has merged it.
        given: what `--config` gave.
    """
    return {
        key: _typed(value, given[key]) if isinstance(given.get(key), dict | list) else value
        for key, value in config.items()
    }


def _typed(value: Any, given: Any) -> Any:
    """A value, where it is the given one and not one that was laid over it."""
    if isinstance(value, Mapping) and isinstance(given, Mapping):
        return {key: _typed(v, given[key]) if key in given else v for key, v in value.items()}
    if isinstance(value, list) and value == given:
        return [_typed(entry, entry) for entry in value]
    if not isinstance(value, str) or value != given:
        return value
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError:
        return value
    a_time = ":" in value  # which YAML takes for a number
    return read if (read is None or isinstance(read, int | float)) and not a_time else value
