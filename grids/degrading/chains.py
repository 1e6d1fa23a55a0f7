"""Chains: degradations made of others, one after the other, in a configuration alone.

What a configuration says of a chain becomes plain values here, which `grids.degrading.operators`
applies and a job's parameters hold:

    {"chain": [{"degradation": name, "probability": p, "values": values}, …], "order": order}

`values` are those of a single degradation, or of a chain again. The order is one of `ORDERS`.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from grids.base.errors import InputError
from grids.base.plugins import names_in, require_known
from grids.base.wording import meant_number, meant_text
from grids.degrading import parameters

ORDERS = ("given", "shuffled", "one")
# Name of a step that is a chain without a name of its own.
NAMELESS = "chain"
OF_A_CHAIN = ("chain", "order", "times", "probability")


def resolve(
    name: str, chains: Mapping[str, Any], paired: Collection[str], use: parameters.Use
) -> dict[str, Any]:
    """All values of a chain for one use.

    Args:
        name: the chain.
        chains: of each chain its `chain`, and its `order` and `times` where they are given.
        paired: degradations that are given as pairs, which no chain can have.
        use: for `evaluation`, a range that a step has for both uses counts as its middle.

    Raises:
        InputError: a step is unknown, is pairs or contains the chain, or has a wrong value.
    """
    return _Reader(chains, paired, use).values(chains[name], (name,))


def modules(name: str, values: Mapping[str, Any]) -> set[str]:
    """Modules of `grids/degradations/` that a degradation of these values is made with."""
    if "chain" not in values:
        return {name}
    return set().union(*(modules(s["degradation"], s["values"]) for s in values["chain"]))


def severities(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The chain with all its steps mild, up to all of them strong.

    Each step goes through the severities of its module, as many as the least of them has.
    """
    ladders = {name: parameters.severities(name) for name in sorted(modules("", values))}
    count = min(map(len, ladders.values()))

    def at(share: float) -> dict[str, Any]:
        """The chain with each step at this share of its ladder, from 0 (mild) to 1 (strong)."""
        return _with(values, lambda name, _: ladders[name][round(share * (len(ladders[name]) - 1))])

    return [at(number / max(1, count - 1)) for number in range(count)]


def strengths(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The chain with all its steps at each strength, as of `grids.degrading.parameters`."""

    def at(strength: str) -> dict[str, Any]:
        return _with(values, lambda name, own: parameters.strengths(name, own)[strength])

    return {strength: at(strength) for strength in parameters.STRENGTHS}


def any_two(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The chain of any of these degradations, and after it any of them again.

    Args:
        values: those of each, by its name; may be chains.
    """
    steps = [
        {"degradation": name, "probability": 1.0, "values": own}
        for name, own in sorted(values.items())
    ]
    return _repeated({"chain": steps, "order": "one"}, 2)


def _with(
    values: Mapping[str, Any], of: Callable[[str, Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """The chain with other values of its steps, by a step's module and the values that it has."""

    def changed(step: dict[str, Any]) -> dict[str, Any]:
        own = step["values"]
        return step | {"values": _with(own, of) if "chain" in own else of(step["degradation"], own)}

    return {**values, "chain": [changed(step) for step in values["chain"]]}


class _Reader:
    """Reads what a configuration says of chains, for one use (see `resolve`)."""

    def __init__(self, chains: Mapping[str, Any], paired: Collection[str], use: parameters.Use):
        self._chains, self._paired, self._use = chains, paired, use

    def values(self, said: Mapping[str, Any], above: tuple[str, ...]) -> dict[str, Any]:
        """Values of a chain that lies in the chains `above`, the innermost last."""
        steps, order, times = said["chain"], said.get("order", "given"), said.get("times", 1)
        if not isinstance(steps, list) or not steps:
            raise InputError(f"a chain is a list of at least one degradation, got {steps!r}")
        if order not in ORDERS:
            raise InputError(f"order: must be one of {', '.join(ORDERS)}, got {order!r}")
        if type(times) is not int or times < 1:
            raise InputError(f"times: must be a whole number from 1, got {times!r}")
        read = [self._step(number, step, above) for number, step in enumerate(steps, start=1)]
        once: dict[str, Any] = {"chain": read, "order": order}
        return once if times == 1 else _repeated(once, times)

    def _step(self, number: int, said: Any, above: tuple[str, ...]) -> dict[str, Any]:
        name, about = _name_and_entry(number, said)
        try:
            return {
                "degradation": name,
                "probability": _probability(about.get("probability", 1.0)),
                "values": self._values_of(name, about, above),
            }
        except InputError as error:
            raise InputError(f"step {number} ({name}): {error}") from None

    def _values_of(
        self, name: str, about: Mapping[str, Any], above: tuple[str, ...]
    ) -> dict[str, Any]:
        if "chain" in about:
            for key in about:
                require_known(key, OF_A_CHAIN, "key")
            return self.values(about, above)
        if name in above:
            raise InputError(f"the chain contains itself: {' → '.join([*above, name])}")
        if name in self._paired:
            raise InputError("it is given as pairs, which cannot be applied to an image")
        require_known(name, {*names_in("degradations"), *self._chains}, "degradation")
        if name in self._chains:
            if changed := about.keys() - {"probability"}:
                raise InputError(f"{min(changed)}: {name} is a chain; change it where it is given")
            return self.values(self._chains[name], (*above, name))
        return self._values_of_a_module(name, about)

    def _values_of_a_module(self, name: str, about: Mapping[str, Any]) -> dict[str, Any]:
        declared = parameters.specification(name)
        uses = {use: about.get(use, {}) for use in ("evaluation", "training")}
        for use, changed in uses.items():
            if not isinstance(changed, Mapping):
                raise InputError(f"{use}: must be a mapping of parameters, got {changed!r}")
        both = {key: about[key] for key in about.keys() - {*uses, "probability"}}
        if self._use == "evaluation":
            checked = parameters.resolve(declared, both, "training")
            both = {key: _middle(checked[key]) for key in both}
        return parameters.resolve(declared, both | uses[self._use], self._use)


def _repeated(values: Mapping[str, Any], times: int) -> dict[str, Any]:
    """A chain through which all goes so many times.

    Each time draws for itself: its order, and which of its steps there are.
    """
    again = {"degradation": NAMELESS, "probability": 1.0, "values": values}
    return {"chain": [again] * times, "order": "given"}


def _name_and_entry(number: int, said: Any) -> tuple[str, Mapping[str, Any]]:
    if isinstance(said, str):
        return said, {}
    if isinstance(said, Mapping) and "chain" in said:
        return NAMELESS, said
    if isinstance(said, Mapping) and len(said) == 1:
        ((name, about),) = said.items()
        if about is None or isinstance(about, Mapping):
            return name, about or {}
    raise InputError(
        f"step {number}: write a name, {{name: {{parameter: value}}}} or {{chain: [...]}}, "
        f"got {said!r}{meant_text(said)}"
    )


def _probability(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        hint = meant_number(value)
        raise InputError(f"probability: must be above 0 and at most 1, got {value!r}{hint}")
    return float(value)


def _middle(value: Any) -> float | int:
    """A value that evaluation can have where training draws: of whole numbers, the lower middle."""
    if not isinstance(value, list):
        number: float | int = value
        return number
    total: float | int = sum(value)
    return total // 2 if isinstance(total, int) else total / 2
