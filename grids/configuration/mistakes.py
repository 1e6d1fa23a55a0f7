"""What pydantic finds wrong with a configuration, in one line."""

from typing import Any, get_args

from pydantic import ValidationError

from grids.base.errors import InputError
from grids.base.plugins import require_known
from grids.base.wording import meant_number, meant_text
from grids.configuration.settings import Section, Settings


def first(error: ValidationError, within: type[Section] = Settings) -> str:
    """One line for the first mistake that pydantic found."""
    # A misspelt key before the one that is missed for it.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"] if not _names_a_kind(str(part)))
    kind, value = first["type"], first["input"]
    if kind == "value_error":
        return f"{key}: {first['ctx']['error']}"
    if kind == "extra_forbidden":
        section = within
        for part in first["loc"][:-1]:
            if field := section.model_fields.get(str(part)):
                section = _section_in(field.annotation) or section
        try:
            require_known(str(first["loc"][-1]), section.model_fields, "key")
        except InputError as unknown:
            return f"{key}: {unknown}"
    said = first["msg"][0].lower() + first["msg"][1:]
    if kind in ("dict_type", "model_type"):
        said = "must be a mapping, as {KEY: VALUE}"
    if kind == "string_pattern_mismatch":  # only names have one
        said = "must be of letters, digits, _ and -"
    meant = meant_text if kind == "string_type" else meant_number
    hint = meant(value) if kind.startswith(("string_type", "int_", "float_")) else ""
    return f"{key}: {said}, got {value!r}{hint}"


def _names_a_kind(part: str) -> bool:
    """Whether pydantic names one of the kinds of value that a key may have, instead of a key."""
    return "[" in part or part.startswith("constrained-") or part == "str"


def _section_in(annotation: Any) -> type[Section] | None:
    """The section that a field is, may be, or holds by name."""
    kinds = (annotation, *get_args(annotation))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, Section)), None)
