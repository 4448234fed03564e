"""Every row by its name, in the order of the page."""

from __future__ import annotations

from papers import (
    clouds,
    depth,
    heat_graphs,
    heat_triangular,
    hopf_kuramoto,
    kuramoto,
    mnist,
    momentum,
    optimisers,
    theory,
)
from papers.row import Row

ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        heat_graphs.ROW,
        heat_triangular.ROW,
        kuramoto.ROW,
        hopf_kuramoto.ROW,
        clouds.ROW,
        mnist.ROW,
        theory.ROW,
        momentum.ROW,
        depth.ROW,
        optimisers.ROW,
    )
}
