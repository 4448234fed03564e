"""Every row by its name, in the order of the page."""

from __future__ import annotations

from papers.clouds.row import ROW as CLOUDS
from papers.depth.row import ROW as DEPTH
from papers.heat_graphs.row import ROW as HEAT_GRAPHS
from papers.heat_triangular.row import ROW as HEAT_TRIANGULAR
from papers.hopf_kuramoto.row import ROW as HOPF_KURAMOTO
from papers.kuramoto.row import ROW as KURAMOTO
from papers.mnist.row import ROW as MNIST
from papers.momentum.row import ROW as MOMENTUM
from papers.optimisers.row import ROW as OPTIMISERS
from papers.row import Row
from papers.theory.row import ROW as THEORY

ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        HEAT_GRAPHS,
        HEAT_TRIANGULAR,
        KURAMOTO,
        HOPF_KURAMOTO,
        CLOUDS,
        MNIST,
        THEORY,
        MOMENTUM,
        DEPTH,
        OPTIMISERS,
    )
}
