"""Hopf oscillators near their limit cycles: the potential of their phases, and the printed loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from meshrep.energies.phases.couplings import number
from meshrep.energies.phases.oscillators import Oscillators
from meshrep.graphs.graph import GraphLike

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class HopfKuramoto(Oscillators):
    """E = −(c s₁/2) Σ_i C_i + s₂ Σ_i S_i², the potential of the phases of Hopf oscillators.

    In time dφ_i/dt = ω_i + c C_i − ∂E/∂φ_i. At φ = 0 the Hessian of the s₂ part is 2 s₂ L².

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    s1, s2 : float
        Strengths of the sine coupling (in units of c) and of the next-nearest one.
    c : float
        Strength of the cosine coupling; it also multiplies s₁, in the flow and in the energy.
    omega : float, (n,) array, mapping or str
        ω of the flow, or what :func:`meshrep.natural_frequencies` takes.
    torque : float, optional
        Strength of the cosine coupling in the flow only; by default c. With 0 the flow is −∇E.

    References
    ----------
    Lauter, Brendel, Habraken and Marquardt, "Pattern phase diagram for two-dimensional arrays of
    coupled limit-cycle oscillators" (2015). The loss that the papers print (P1 eq. 19, P2 eq. 7)
    is another function: :class:`HopfKuramotoPrinted`.
    """

    propagation = "square"

    def __init__(
        self,
        graph: GraphLike,
        s1: float = 1.0,
        s2: float = 0.5,
        c: float = 1.0,
        omega: ArrayLike | Mapping[Any, float] | str = 0.0,
        torque: float | None = None,
    ) -> None:
        s1, s2, c = number(s1, "s1"), number(s2, "s2"), number(c, "c")
        law = -0.5 * c * s1, 0.0, s2
        super().__init__(graph, 1.0, law, omega, c if torque is None else torque)
        self.s1, self.s2, self.c = s1, s2, c

    def settings(self) -> dict[str, Any]:
        """The settings of the oscillators, with s₁, s₂ and c."""
        return {**super().settings(), "s1": self.s1, "s2": self.s2, "c": self.c}


class HopfKuramotoPrinted(Oscillators):
    """E = Σ_i s₁ C_i + s₂ C_i², the loss as the papers print it, for reproducing them.

    The signs of s₁ and s₂ are wrong and cosines are squared, so that it is not the potential of the
    dynamics in the same papers: see :class:`HopfKuramoto`.

    Parameters
    ----------
    graph : Graph or what ``Graph.of`` takes
    s1, s2 : float

    References
    ----------
    P1 eq. 19; Both, Dehmamy, Long and Yu, eq. 7.
    """

    propagation = "square"

    def __init__(self, graph: GraphLike, s1: float = 1.0, s2: float = 0.5) -> None:
        s1, s2 = number(s1, "s1"), number(s2, "s2")
        super().__init__(graph, 1.0, (s1, s2, 0.0))
        self.s1, self.s2 = s1, s2

    def settings(self) -> dict[str, Any]:
        """The settings of the oscillators, with s₁ and s₂."""
        return {**super().settings(), "s1": self.s1, "s2": self.s2}
