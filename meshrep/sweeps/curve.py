"""r(K), up and down: what :func:`meshrep.synchronise` returns."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from meshrep.errors import InputError
from meshrep.sweeps.onset import Onset, onset, together
from meshrep.sweeps.theory import MeanField


@dataclass(frozen=True)
class Critical:
    """The onset of order on the way up and its end on the way down; None where it was not seen."""

    up: Onset | None
    down: Onset | None


@dataclass(repr=False)
class SynchronisationCurve:
    """The order parameter r over the coupling K, on the way up and down.

    Attributes
    ----------
    name : str
        Of the network.
    n : int
        Number of oscillators.
    K : (k,) float64
        Increasing couplings.
    r : (2, s, k) float64
        Means over time, up and down, by seed. NaN where a point failed or is not done.
    errors : (2, s, k) float64
        Their standard errors, from the means of 10 parts of the time.
    seeds : list of int
    theory : MeanField or None
        r(K) of infinitely many oscillators, where it is known.
    times : (float, float)
        Times before and during the averages.
    notes : list of str
    interrupted : bool
        Whether Ctrl-C ended it early.
    """

    name: str
    n: int
    K: np.ndarray
    r: np.ndarray
    errors: np.ndarray
    seeds: list[int]
    theory: MeanField | None
    times: tuple[float, float]
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False

    def __repr__(self) -> str:
        part = "" if self.done == self.r.size else f", {self.done:,} of {self.r.size:,} points"
        early = ", interrupted" if self.interrupted else ""
        found = self.critical()
        seeds = f"{len(self.seeds)} seed{'s' * (len(self.seeds) > 1)}"
        return (
            f"SynchronisationCurve({self.name}: {self.n:,} oscillators, K = {self.K[0]:g} to "
            f"{self.K[-1]:g}, {seeds}; onset up {found.up}, down {found.down}{part}{early})"
        )

    @property
    def done(self) -> int:
        """How many of the points are measured."""
        return int(np.isfinite(self.r).sum())

    @property
    def up(self) -> np.ndarray:
        """r (k,) on the way up, the mean over seeds; NaN where no seed is done."""
        return _over_seeds(np.mean, self.r[0])

    @property
    def down(self) -> np.ndarray:
        """r (k,) on the way down, the mean over seeds."""
        return _over_seeds(np.mean, self.r[1])

    @property
    def up_spread(self) -> np.ndarray:
        """The standard deviation (k,) of r between seeds on the way up; 0 for one seed."""
        return _over_seeds(_deviation, self.r[0])

    @property
    def down_spread(self) -> np.ndarray:
        """The standard deviation (k,) of r between seeds on the way down."""
        return _over_seeds(_deviation, self.r[1])

    @property
    def up_error(self) -> np.ndarray:
        """The standard error (k,) of ``up``: of the time averages, and of the scatter of seeds."""
        return self._error(0)

    @property
    def down_error(self) -> np.ndarray:
        """The standard error (k,) of ``down``."""
        return self._error(1)

    def _error(self, way: int) -> np.ndarray:
        """The larger one of what the time averages and what the seeds tell."""
        count = np.maximum(np.isfinite(self.r[way]).sum(axis=0), 1)
        scatter = _over_seeds(_deviation, self.r[way]) / np.sqrt(count)
        within = np.sqrt(_over_seeds(np.mean, self.errors[way] ** 2) / count)
        return np.maximum(scatter, within)

    def critical(self) -> Critical:
        """The onset of order, up and down, each with its standard error.

        Each seed has its own, by :func:`meshrep.sweeps.onset.onset`: the zero of a fit of r² where
        r grows continuously, and the middle of two couplings where it jumps. The result is their
        mean; its error has the scatter between seeds.
        """
        found = [
            [one for r in of_way if (one := onset(self.K, r, self.n)) is not None]
            for of_way in self.r
        ]
        return Critical(together(found[0]), together(found[1]))

    def columns(self) -> dict[str, np.ndarray]:
        """The table that is saved: a row for each K."""
        columns = {
            "K": self.K,
            "up": self.up, "up_spread": self.up_spread, "up_error": self.up_error,
            "down": self.down, "down_spread": self.down_spread, "down_error": self.down_error,
        }  # fmt: skip
        if self.theory is not None:
            columns["theory"] = np.array([self.theory.order(K) for K in self.K])
        return columns

    def plot(
        self, path: str | os.PathLike[str] = "synchronisation.png", *, title: str = ""
    ) -> Path:
        """Draw both ways with a band of one standard deviation of seeds, theory and onsets.

        Parameters
        ----------
        path : path
            A picture file to write.
        title : str
            The text above everything; by default the name of the network.

        Raises
        ------
        InputError
            When there is nothing to draw, or the file cannot be written.
        """
        from meshrep.view.coupling import order_over_coupling

        theory, label = None, ""
        if self.theory is not None:
            label = f"theory, $K_c$ = {self.theory.critical:.4g}"
            # the root at the onset needs couplings close together
            fine = np.unique([*np.linspace(self.K[0], self.K[-1], 301), self.theory.critical])
            fine = fine[(fine >= self.K[0]) & (fine <= self.K[-1])]
            theory = fine, np.array([self.theory.order(K) for K in fine])
        found = self.critical()
        return order_over_coupling(
            self.K,
            {"up": (self.up, self.up_spread), "down": (self.down, self.down_spread)},
            path,
            theory=theory,
            theory_label=label,
            onsets={way: (one.K, one.error) for way, one in vars(found).items() if one},
            title=title or self.name,
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the table to a .csv or .json file, or all arrays to a .npz file.

        Raises
        ------
        InputError
            When the suffix is another one, or the file cannot be written.
        """
        from meshrep.view.write import replacing, write_csv, write_json

        path = Path(path)
        suffix = path.suffix.lower()
        if suffix == ".csv":
            return write_csv(self.columns(), path)
        if suffix == ".json":
            return write_json(
                {
                    "network": self.name, "nodes": self.n, "seeds": self.seeds,
                    "settle": self.times[0], "average": self.times[1],
                    "critical": self.critical(), **self.columns(), "notes": self.notes,
                },
                path,
            )  # fmt: skip
        if suffix == ".npz":
            with replacing(path) as temporary:
                np.savez(
                    temporary, K=self.K, r=self.r, errors=self.errors, seeds=np.array(self.seeds)
                )
            return path
        raise InputError(f"{path}: r(K) can be written to .csv, .json and .npz")


def _over_seeds(measure: object, values: np.ndarray) -> np.ndarray:
    """A measure of the known values (s, k) of each K."""
    found = np.full(values.shape[1], np.nan)
    for k, column in enumerate(values.T):
        known = column[np.isfinite(column)]
        if len(known):
            found[k] = measure(known)  # type: ignore[operator]
    return found


def _deviation(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0
