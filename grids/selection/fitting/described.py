"""Tables of what the describer says of many photographs, a row each."""

from collections.abc import Callable, Iterable, Iterator

import pandas as pd

from grids.base.errors import InputError
from grids.pixels.psnr import psnr
from grids.selection.describer import Describer
from grids.selection.fitting.cases import Case
from grids.selection.fitting.views import View


def of_views(
    views: Iterable[View], describer: Describer, laws: int, left_out: Callable[[View, str], None]
) -> pd.DataFrame:
    """Statistics of views: `number`, `photograph`, `vector`, `darkest`, `alpha`, `sigma`.

    Of what is drawn `darkest` is NaN: white paper without a black pixel is no photograph in haze.

    Args:
        views: parts of photographs under a degradation.
        describer: what measures them.
        laws: how many of the first views get a law too, which takes most of the time.
        left_out: told of a view that cannot be judged, and why; it gets no row.
    """
    rows = []
    for view in views:
        try:
            statistics = describer(view.degraded, law=view.number < laws)
        except InputError as error:
            left_out(view, str(error))
        else:
            about = {"number": view.number, "photograph": view.photograph}
            rows.append({**about, **vars(statistics)})
            if view.drawn:
                rows[-1]["darkest"] = float("nan")
    return pd.DataFrame(rows)


def of_cases(
    photographs: Iterable[tuple[str, Iterator[Case]]], describer: Describer
) -> pd.DataFrame:
    """Statistics of cases, as of views, with `photograph` and what is known of them.

    That is `kind`, `degradation`, `parameters`, `strength` (see `grids.selection.fitting.cases`),
    and how much is damaged, `psnr_db`. Those with a strength have no law: the paper's rule is
    compared where the degradations have their values.

    Args:
        photographs: name of each, with its cases.
        describer: what measures them.

    Raises:
        InputError: names a photograph that cannot be judged.
    """
    rows = []
    for name, cases in photographs:
        for case in cases:
            try:
                statistics = describer(case.degraded, law=case.strength is None)
            except InputError as error:
                raise InputError(f"{name} under {case.degradation}: {error}") from None
            known = ("kind", "degradation", "parameters", "strength")
            about = {"photograph": name, **{key: getattr(case, key) for key in known}}
            about["psnr_db"] = psnr(case.clean, case.degraded)
            rows.append(about | vars(statistics))
    return pd.DataFrame(rows)
