"""Nothing depends on the unit of the energy or of the field: every energy by every solver."""

import numpy as np
import pytest
from problems_of_tests import FOR_CLOUDS, FOR_PHASES, PRESETS, TELLING, missing
from scaled_problems import GRID, NOISY, SCALED, WITHOUT_UNIT, solved

import meshrep
from meshrep.base.outcome import Result
from meshrep.errors import InputError

QUICK = {
    "quartic": TELLING - {"spectral-adam", "multilevel-adam", "adam-torch"},
    "kuramoto": TELLING - {"spectral-adam", "multilevel-adam"},
    "a cloud": {"gcn", "kernel"},
}
TWOS = [(2.0**-70, 1.0), (2.0**31, 1.0), (1.0, 2.0**-33), (2.0**9, 2.0**7)]
TENS = [(1e-21, 1.0), (1e6, 1.0), (1.0, 1e-12), (1e3, 1e4)]
STEPS = 25


def pairs():
    """Yield every energy with every solver that takes it."""
    for name, (_, has_unit) in SCALED.items():
        for solver in PRESETS:
            phases, cloud = not has_unit, "cloud" in name
            if (solver in FOR_PHASES and not phases) or (solver in FOR_CLOUDS and not cloud):
                continue
            marks = [] if solver in QUICK.get(name, ()) else [pytest.mark.slow]
            if missing(solver):
                marks.append(pytest.mark.skip(reason=missing(solver)))
            yield pytest.param(name, solver, marks=marks)


def solved_or_refused(*given, **scales):
    """The solution; or the refusal, which must then be the same in every unit."""
    try:
        return solved(*given, **scales, max_steps=STEPS)
    except InputError as error:
        return str(error)


def scales(name, among):
    return [(s, u) for s, u in among if SCALED[name][1] or u == 1.0]


def in_other_units(name, solver, among):
    """Yield (solution, solution in the units s and u, s, u); nothing where all are refused."""
    here = solved_or_refused(name, solver)
    for s, u in scales(name, among):
        there = solved_or_refused(name, solver, s=s, u=u)
        if isinstance(here, str):
            assert there == here
        else:
            yield here, there, s, u


@pytest.mark.parametrize(("name", "solver"), list(pairs()))
def test_powers_of_two_leave_the_path_as_it_is(name, solver):
    for here, there, s, u in in_other_units(name, solver, TWOS):
        np.testing.assert_array_equal(there.field / u, here.field)
        np.testing.assert_array_equal(np.array(there.history.energy) / s, here.history.energy)
        assert (there.result, there.steps) == (here.result, here.steps)


def convex():
    """Yield pairs whose path does not part because of rounding, and whose field has its unit."""
    for pair in pairs():
        name, solver = pair.values
        if name in WITHOUT_UNIT | NOISY or "cloud" in name or not SCALED[name][1]:
            continue
        yield pytest.param(name, solver, marks=pair.marks)


@pytest.mark.parametrize(("name", "solver"), list(convex()))
def test_powers_of_ten_change_the_energy_by_rounding(name, solver):
    for here, there, s, _ in in_other_units(name, solver, TENS):
        assert there.energy / s == pytest.approx(here.energy, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("kind", ["quartic", "quadratic", "dirichlet"])
@pytest.mark.parametrize(
    "solver",
    [
        pytest.param(name, marks=[] if name in TELLING else [pytest.mark.slow])
        for name in PRESETS
        if name not in FOR_PHASES | FOR_CLOUDS and not missing(name)
    ],
)
def test_a_shift_of_all_temperatures_changes_nothing(solver, kind):
    cold, hot = meshrep.ends(GRID)
    fields = []
    for shift in (0.0, 293.0):
        energy = meshrep.HeatBath(GRID, hot, cold, t_hot=shift + 80, t_cold=shift, kind=kind)
        start = shift + 80 * np.random.default_rng(3).random(GRID.n)
        end = meshrep.solve(energy, solver, start=start, max_steps=STEPS, seed=1)
        fields.append(end.field - shift)
    np.testing.assert_allclose(fields[1], fields[0], atol=80 * 1e-7)


# Energies and clouds in SI units


@pytest.mark.parametrize("solver", ["lbfgs", "newton", "gd"])
def test_phases_in_joules_take_the_path_of_phases_in_units_of_the_coupling(solver):
    graph = meshrep.graph_from("lattice:8x8")
    here, there = (
        meshrep.solve(meshrep.Kuramoto(graph, K), solver, max_steps=300) for K in (1.0, 2.0**-70)
    )
    assert here.steps > 10 and there.steps == here.steps
    np.testing.assert_array_equal(there.field, here.field)
    joules = meshrep.solve(meshrep.Kuramoto(graph, 1e-21), "lbfgs")
    assert joules.result is Result.CONVERGED and joules.energy == pytest.approx(-1.12e-19)


def test_a_cloud_in_picometres_moves_as_one_in_metres():
    pytest.importorskip("gudhi")
    points = np.random.default_rng(0).random((60, 2))
    here, there = (
        meshrep.solve(meshrep.RipsPersistence(s * points), "sgd", max_steps=50)
        for s in (1.0, 1e-12)
    )
    assert here.steps == there.steps == 50
    assert there.energy * 1e24 == pytest.approx(here.energy, rel=1e-6)


def test_a_function_without_a_unit_takes_that_of_the_start():
    target = 1e-12 * np.linspace(1, 2, GRID.n)
    energy = meshrep.FunctionEnergy(
        GRID, lambda w: (0.5 * float(((w - target) ** 2).sum()), w - target), convex=True
    )
    for solver in ("lbfgs", "adam", "newton"):
        end = meshrep.solve(energy, solver, start=1e-12 * np.random.default_rng(0).random(GRID.n))
        assert end.steps > 0
        np.testing.assert_allclose(end.field, target, rtol=1e-3)


# Converged means near the minimum


@pytest.mark.parametrize("solver", ["nesterov", "lbfgs", "newton", "multilevel", "spectral"])
@pytest.mark.parametrize("hot", [1e-3, 1.0, 1e4])
def test_converged_is_near_the_minimum_of_quartic_baths(solver, hot):
    """At 1e-3 the baths are ten million times softer than the conductances."""
    graph = meshrep.graph_from("lattice:12x12")
    cold, warm = meshrep.ends(graph)
    energy = meshrep.HeatBath(graph, warm, cold, t_hot=hot)
    least = meshrep.solve(energy, "newton", gtol=1e-14).energy
    end = meshrep.solve(energy, solver, max_steps=30_000)
    if end.result is Result.CONVERGED:
        assert end.energy <= least * (1 + 1e-6)
    else:
        assert end.energy <= least * (1 + 1e-4) or any("above its" in note for note in end.notes)


@pytest.mark.parametrize("solver", ["gd", "heavy-ball", "rk4", "mfac", "gcn-res", "adam"])
def test_a_run_that_ends_above_the_minimum_says_how_far(solver):
    graph = meshrep.graph_from("lattice:12x12")
    cold, warm = meshrep.ends(graph)
    energy = meshrep.HeatBath(graph, warm, cold, t_hot=1e-3)
    least = meshrep.solve(energy, "newton", gtol=1e-14).energy
    end = meshrep.solve(energy, solver, max_steps=3000)
    gap = end.energy / least - 1
    assert gap > 1e-5 and end.result is not Result.CONVERGED
    note = next(note for note in end.notes if "above its minimum" in note)
    said = float(note.split("about ")[1].split(" ")[0])
    assert 0.5 * gap < said < 2 * gap


@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_a_multiple_of_heat_is_heat(factor):
    cold, hot = meshrep.ends(GRID)
    heat = meshrep.HeatBath(GRID, hot, cold)
    many = factor * heat
    w = heat.random_start(1)
    assert isinstance(many, meshrep.HeatBath) and many.settings()["factor"] == factor
    assert many.value(w) == pytest.approx(factor * heat.value(w), rel=1e-14)
    np.testing.assert_allclose(many.gradient(w), factor * heat.gradient(w), rtol=1e-12)
    np.testing.assert_allclose((many.hessian(w) - factor * heat.hessian(w)).data, 0, atol=1e-12)
