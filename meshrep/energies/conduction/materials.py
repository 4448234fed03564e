"""What a material is made of: a number, an array per cell, values by region, or a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from meshrep.errors import InputError, kind_of
from meshrep.graphs.correspondence import input_cells
from meshrep.graphs.graph import Graph


class Property:
    """A property of the material, looked up by cell and position.

    Parameters
    ----------
    graph : Graph
    given : number, text, array, mapping or function
        A number; the name of an array of cells in the input; an array (c,) in the order of the
        input's cells (or of the graph's, where it has no input); ``{"name": {id: value}}`` by the
        values of such an array; ``{"name": value}`` by groups of cells, which are arrays of zeros
        and ones; a function of x, y, z, arrays of one shape. A source is 0 in regions that are not
        named.
    name : str
        What errors begin with.
    positive : bool
        Whether it has to be positive.
    tensors : bool
        Whether symmetric 3×3 matrices may stand in the place of numbers.

    Raises
    ------
    InputError
        Here or in ``at``, where a value is missing or cannot be used.
    """

    def __init__(
        self, graph: Graph, given: Any, name: str, *, positive: bool = True, tensors: bool = False
    ) -> None:
        self.graph, self.name, self.positive, self.tensors = graph, name, positive, tensors
        self.function: Callable[..., Any] | None = given if callable(given) else None
        self.regions: dict[Any, np.ndarray] | None = None
        self.groups: list[str] = []  # the names of regions that are groups of cells
        self.table = np.zeros(0)
        self.one = False
        if self.function is not None:
            return
        if isinstance(given, Mapping):
            self._by_region(given)
            return
        values = self._array_called(given) if isinstance(given, str) else self._numbers(given)
        self.one = values.shape == () or (tensors and values.shape == (3, 3))
        if not self.one:
            values = self._of_cells(values)
            if tensors and values.ndim == 2 and values.shape[1] == 9:
                values = values.reshape(-1, 3, 3)
        allowed = (1, 3) if tensors else (1,)
        if not self.one and (values.ndim not in allowed or values.shape[1:] not in ((), (3, 3))):
            raise InputError(f"{name}: an array of shape {values.shape} is no value per cell")
        self.table = values
        if self.one:
            self._check(values[None, None], None)

    def at(self, which: np.ndarray, positions: np.ndarray | Callable[[], np.ndarray]) -> np.ndarray:
        """Values at positions (c, q, 3) in cells: (c, 1), (c, q) or, of tensors, (c, 1, 3, 3).

        A function that returns the positions is called only where they are needed.
        """
        if self.one:  # checked already
            return np.broadcast_to(self.table, (len(which), 1, *self.table.shape))
        if self.function is not None:
            values = self._of_function(positions() if callable(positions) else positions)
        elif self.regions is not None:
            values = self._of_regions(which)[:, None]
        else:
            values = self.table[which][:, None]
        self._check(values, which)
        return values

    def _of_function(self, positions: np.ndarray) -> np.ndarray:
        assert self.function is not None
        try:
            values = self.function(*np.moveaxis(positions, 2, 0))
        except TypeError as error:
            raise InputError(
                f"{self.name}: the function of x, y, z cannot be called with three arrays ({error})"
            ) from error
        values = self._numbers(values)
        try:
            return np.broadcast_to(values, positions.shape[:2])
        except ValueError:
            raise InputError(
                f"{self.name}: the function must return one number for each position, an array of "
                f"shape {positions.shape[:2]} here, not {values.shape}"
            ) from None

    def _check(self, values: np.ndarray, which: np.ndarray | None) -> None:
        if values.ndim == 4:
            turned = values.transpose(0, 1, 3, 2)
            size = abs(values).max(axis=(2, 3))
            bad = ~(abs(values - turned).max(axis=(2, 3)) <= 1e-12 * size)
            if not bad.any():
                bad = ~(np.linalg.eigvalsh(values)[:, :, 0] > 0)
            wanted = "a symmetric, positive definite matrix"
        else:
            bad = ~(np.isfinite(values) & (values > 0 if self.positive else True))
            wanted = "positive and finite" if self.positive else "finite"
        if bad.any():
            at = np.unravel_index(int(bad.argmax()), bad.shape)
            value = values[at]
            shown = (
                np.array2string(value, precision=6).replace("\n", "")
                if value.ndim
                else (f"{value:g}")
            )
            place = "" if which is None else f" in cell {which[at[0]]}"
            raise InputError(f"{self.name} must be {wanted}, and is {shown}{place}")

    def _numbers(self, given: Any) -> np.ndarray:
        try:
            values = np.asarray(given)
            if values.dtype.kind in "iuf":
                return values.astype(np.float64)
        except (TypeError, ValueError):  # such as lists of different lengths
            pass
        raise InputError(
            f"{self.name}: {kind_of(given)} is no number, array per cell, "
            'values by region {"name": {id: value}}, or function of x, y, z'
        )

    def _array_called(self, name: str) -> np.ndarray:
        origin = self.graph.origin
        arrays = {} if origin is None else origin.cell_data
        if name not in arrays:
            known = ", ".join(arrays) or "none"
            raise InputError(
                f"{self.name}: {self.graph.name} has no array of cells called '{name}' "
                f"(there are: {known})"
            )
        array = arrays[name]
        return self._numbers(array.astype(np.uint8) if array.dtype.kind == "b" else array)

    def _of_cells(self, values: np.ndarray) -> np.ndarray:
        """Values in the order of the input's cells, in that of the graph's."""
        graph = self.graph
        count, given = len(graph.cells), len(values)
        there = count if graph.origin is None else len(graph.origin.cells)
        if given == there:
            cell = input_cells(graph)
            if (cell < 0).any():
                raise InputError(
                    f"{self.name}: cell {int((cell < 0).argmax())} of {graph.name} is not a cell "
                    "of the input, since cells were cut up when it was read: give values in the "
                    "order of graph.cells"
                )
            return values[cell]
        if given == count:
            return values
        raise InputError(f"{self.name}: {given} values for {there} cells of {graph.name}")

    def _by_region(self, given: Mapping[Any, Any]) -> None:
        inner: Mapping[Any, Any] = given
        if names_groups(given):
            self.groups = list(given)
            self.table = self._group_of_cells()
            inner = dict(enumerate(given.values()))
        else:
            if len(given) != 1 or not isinstance(next(iter(given.values())), Mapping):
                raise InputError(
                    f'{self.name}: regions are given as {{"name of an array of cells": '
                    '{id: value, …}}, one array only, or as {"name of a group of cells": value, …}'
                )
            self.array, inner = str(next(iter(given))), next(iter(given.values()))
            ids = self._array_called(self.array)
            self.table = self._of_cells(ids.reshape(len(ids)) if ids.ndim > 1 else ids)
        self.regions = {region: self._numbers(value) for region, value in inner.items()}
        for region, value in self.regions.items():
            if value.shape != () and not (self.tensors and value.shape == (3, 3)):
                told = repr(self.groups[region]) if self.groups else region
                raise InputError(f"{self.name}: region {told} needs one number")
        if not self.positive:
            there = np.unique(self.table).tolist()
            for region in self.regions:
                if region not in there:
                    raise InputError(f"{self.name}: no cell has {self.array} {region}")
            self.regions |= {region: np.zeros(()) for region in there if region not in self.regions}

    def _group_of_cells(self) -> np.ndarray:
        """The number of the group of each cell of the graph (c,), -1 in none."""
        found = np.full(len(self.graph.cells), -1.0)
        for number, name in enumerate(self.groups):
            array = self._array_called(name)
            if array.ndim != 1 or not ((array == 0) | (array == 1)).all():
                raise InputError(
                    f"{self.name}: '{name}' is no group of cells, which is an array of zeros and "
                    f'ones: by its values write {{"{name}": {{id: value, …}}}}'
                )
            inside = self._of_cells(array) == 1
            if not inside.any():
                raise InputError(f"{self.name}: no cell is in '{name}'")
            twice = inside & (found >= 0)
            if twice.any():
                cell = int(twice.argmax())
                raise InputError(
                    f"{self.name}: cell {cell} is in '{self.groups[int(found[cell])]}' and in "
                    f"'{name}': groups must not overlap"
                )
            found[inside] = number
        return found

    def _of_regions(self, which: np.ndarray) -> np.ndarray:
        assert self.regions is not None
        table = self.table[which]
        ids = np.array(sorted(r for r in self.regions if isinstance(r, int | float | np.number)))
        at = np.searchsorted(ids, table)
        missing = np.append(ids, np.nan)[at] != table
        if missing.any() and self.groups:
            raise InputError(
                f"{self.name}: cell {which[missing.argmax()]} is in none of the groups "
                f"{', '.join(self.groups)}: each cell needs one"
            )
        if missing.any():
            raise InputError(
                f"{self.name}: {self.array} {table[missing].min():g} has no value (given are "
                f"{', '.join(map(repr, self.regions)) or 'none'}): each region needs one"
            )
        values = [self.regions[region] for region in ids.tolist()]
        if any(value.ndim for value in values):
            values = [value if value.ndim else value * np.eye(3) for value in values]
        return np.array(values)[at]


def names_groups(given: Any) -> bool:
    """Whether a property is given by groups of cells, ``{"name": value}``."""
    return (
        isinstance(given, Mapping)
        and bool(given)
        and all(
            isinstance(name, str) and not isinstance(value, Mapping)
            for name, value in given.items()
        )
    )


def numbers_at(value: Any, positions: np.ndarray, name: str) -> np.ndarray:
    """A number, or a function of x, y, z, at positions (p, 3): finite values (p,).

    Raises
    ------
    InputError
        Where it is neither, or a value is not finite.
    """
    try:
        found = value(*positions.T) if callable(value) else value
        values = np.broadcast_to(np.asarray(found, dtype=np.float64), len(positions))
    except (TypeError, ValueError):
        raise InputError(
            f"{name} must be a number or a function of x, y, z that returns one for each position"
        ) from None
    if not np.isfinite(values).all():
        raise InputError(f"{name} must be finite, not {values[~np.isfinite(values)][0]}")
    return values
