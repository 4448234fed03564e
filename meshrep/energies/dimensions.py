"""Dimensions of homology, as a user names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from meshrep.errors import InputError

Dimensions = int | str | Iterable[int | str] | None


def signs_of(
    maximise: Dimensions, minimise: Dimensions, targets: Mapping[int, np.ndarray] | None
) -> dict[int, float]:
    """+1 for features to remove or to bring near a target, −1 for those to grow, by dimension."""
    if maximise is None and minimise is None and not targets:
        maximise = (1,)
    signs: dict[int, float] = {}
    asked = [(k, -1.0) for k in dimensions(maximise)] + [(k, 1.0) for k in dimensions(minimise)]
    for k, sign in asked + [(k, 1.0) for k in dimensions(targets)]:
        if k in signs:
            raise InputError(f"h{k} is asked for twice: maximise, minimise or give a target")
        signs[k] = sign
    return dict(sorted(signs.items()))


def dimensions(asked: Dimensions) -> list[int]:
    """Dimensions named as 1, "h1", "1", or several of these, or "h0,h1".

    Raises
    ------
    InputError
        For a name that is not a dimension from 0 to 2.
    """
    if asked is None:
        return []
    words = asked.split(",") if isinstance(asked, str) else asked
    words = [words] if isinstance(words, int) else list(words)
    found = [str(word).strip().lower().removeprefix("h") for word in words]
    for word in found:
        if word not in ("0", "1", "2"):
            raise InputError(f"there is no homology {word!r} here: choose h0, h1 or h2")
    return [int(word) for word in found]
