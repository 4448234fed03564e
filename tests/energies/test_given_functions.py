"""Functions of users: what they may do to their argument, and what they may return."""

import numpy as np
import pytest
from problems_of_tests import heat
from scipy import sparse

import meshrep

RING = meshrep.graph_from("ring:6")


def bowl(w):
    return float(((w - 2) ** 2).sum()), 2 * (w - 2)


def in_place(w):
    w -= 2
    return float((w**2).sum()), 2 * w


def returns_its_argument(w):
    w -= 2
    w *= 2
    return float((w**2).sum()) / 4, w


def scribbles(w):
    found = bowl(w)
    w[:] = np.nan
    return found


def of_torch(w):
    import torch

    w = torch.from_numpy(w)
    w -= 2
    w.requires_grad_(True)
    value = (w**2).sum()
    (gradient,) = torch.autograd.grad(value, w, create_graph=True)
    return value, gradient


BUFFER = np.zeros(6)


def of_one_buffer(w):
    BUFFER[:] = 2 * (w - 2)
    return ((w - 2) ** 2).sum(), BUFFER


ALIKE = {
    "in place": in_place,
    "its argument": returns_its_argument,
    "scribbles": scribbles,
    "one buffer": of_one_buffer,
    "numbers of numpy": lambda w: (np.array(bowl(w)[0]), bowl(w)[1][::-1][::-1]),
    "a list": lambda w: [bowl(w)[0], bowl(w)[1].tolist()],
    "read only": lambda w: (bowl(w)[0], np.broadcast_to(bowl(w)[1], (1, 6))[0]),
    "torch": of_torch,
}


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["lbfgs-scipy", "multilevel", "gd", "newton", "adam-torch"])
@pytest.mark.parametrize("name", ALIKE)
def test_functions_that_mean_the_same_take_the_same_path(name, solver):
    if "torch" in (name, solver.removeprefix("adam-")):
        pytest.importorskip("torch")
    clean, odd = (
        meshrep.solve(meshrep.FunctionEnergy(RING, f), solver, max_steps=60)
        for f in (bowl, ALIKE[name])
    )
    np.testing.assert_allclose(odd.field, clean.field, rtol=1e-9)
    assert odd.energy == pytest.approx(clean.energy, rel=1e-9, abs=1e-20)
    assert odd.start_energy == pytest.approx(clean.start_energy, rel=1e-14)
    assert odd.result is clean.result
    assert len(odd.history) == len(clean.history) or name == "torch"


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_other_types_of_numbers_are_taken(kind):
    def rounded(w):
        value, gradient = bowl(np.minimum(w, 50.0))
        return kind(value), np.rint(gradient).astype(kind)

    energy = meshrep.FunctionEnergy(RING, rounded)
    found = meshrep.solve(energy, "gd", max_steps=100, start=np.full(6, 7.0))
    assert found.field.dtype == np.float64 and np.abs(found.field - 2).max() < 1
    assert energy.gradient(np.zeros(6)).tolist() == [-4.0] * 6


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda w: None, "must return a number and an array, not None"),
        (lambda w: 1.0, "must return a number and an array, not a float"),
        (lambda w: (1.0, w, w), "must return a number and an array, not a tuple of 3"),
        (lambda w: (None, w), "must return a real number first, not None"),
        (lambda w: (1j, w), "must return a real number first, not a complex"),
        (lambda w: (np.complex128(1), w), "must return a real number first, not an array of shape"),
        (lambda w: ("1", w), "must return a real number first, not a str"),
        (lambda w: (w, 1.0), "must return a real number first, not an array of shape"),
        (lambda w: (1.0, None), r"must return second an array of real numbers of shape \(6,\)"),
        (lambda w: (1.0, w * 1j), "must return second an array .* type complex128"),
        (lambda w: (1.0, w[:, None]), r"must return second .* not an array of shape \(6, 1\)"),
        (lambda w: (1.0, w[:1]), r"must return second .* not an array of shape \(1,\)"),
        (lambda w: (1.0, [[1], [1, 2]]), "must return second .* not a list of 2"),
        (lambda w: (1.0, sparse.eye(6)), r"must return second .* \(6, 6\)"),
    ],
)
def test_what_is_no_energy_is_refused_when_it_is_built(function, message):
    with pytest.raises(meshrep.InputError, match=message) as caught:
        meshrep.FunctionEnergy(RING, function)
    assert "\n" not in str(caught.value) and "value_and_grad" in str(caught.value)


def test_what_is_no_energy_later_is_refused_too():
    calls = []

    def changing(w):
        calls.append(1)
        return bowl(w) if len(calls) < 4 else (0.0, w[:2])

    with pytest.raises(meshrep.InputError, match=r"not an array of shape \(2,\)"):
        meshrep.solve(meshrep.FunctionEnergy(RING, changing), "gd")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"hvp": lambda w, v: None}, "hvp must return an array of real numbers"),
        ({"hvp": lambda w, v: v[:3]}, r"hvp must return .* not an array of shape \(3,\)"),
        ({"hessian": lambda w: None}, "hessian must return an array of real numbers"),
        ({"hessian": lambda w: sparse.eye(5)}, r"hessian must return a matrix .* \(5, 5\)"),
        ({"hessian": lambda w: 1j * sparse.eye(6)}, "hessian must return .* complex128"),
    ],
)
def test_products_and_hessians_are_checked(parts, message):
    energy = meshrep.FunctionEnergy(RING, bowl, **parts)
    w = np.ones(6)
    with pytest.raises(meshrep.InputError, match=message):
        _ = energy.hessian(w) if "hessian" in parts else energy.hvp(w, w)


def test_products_and_hessians_may_change_their_arguments():
    def product(w, v):
        w *= np.nan
        v *= 2
        return v

    def hessian(w):
        w *= 0
        return np.diag(w + 2)

    energy = meshrep.FunctionEnergy(RING, bowl, hvp=product, hessian=hessian, convex=True)
    for solver in ("newton", "lbfgs-newton"):
        found = meshrep.solve(energy, solver)
        np.testing.assert_allclose(found.field, 2.0, atol=1e-9)
    w = np.ones(6)
    energy.hvp(w, w)
    np.testing.assert_array_equal(w, 1.0)


def changes_differences(xp):
    """½ d² whose functions change their argument."""

    def half_square(d):
        d *= d
        return 0.5 * d

    def itself(d):
        d += 0.0
        return d

    def one(d):
        d *= 0.0
        d += 1.0
        return d

    return half_square, itself, one


@pytest.mark.parametrize("solver", ["newton", "gd", "lbfgs"])
def test_potentials_may_change_their_arguments(solver):
    clean = (lambda d: 0.5 * d * d, lambda d: d, lambda d: 1.0)
    ends = [
        meshrep.solve(meshrep.EdgeEnergy(RING, law, law, convex=True), solver, max_steps=40)
        for law in (clean, changes_differences)
    ]
    np.testing.assert_array_equal(ends[0].field, ends[1].field)
    assert ends[0].energy == ends[1].energy and ends[0].start_energy == ends[1].start_energy


@pytest.mark.parametrize("solver", ["newton", "gd", "adam-torch"])
def test_potentials_may_be_constant(solver):
    if solver == "adam-torch":
        pytest.importorskip("torch")
    squares = (lambda d: 0.5 * d * d, lambda d: d, lambda d: 1.0)
    constant = (lambda w: 3.0, lambda w: 0.0, lambda w: 0)
    alone, more = (
        meshrep.solve(meshrep.EdgeEnergy(RING, squares, *node, convex=True), solver, max_steps=20)
        for node in ((), (constant,))
    )
    assert more.energy == pytest.approx(alone.energy + 3.0 * RING.n)
    np.testing.assert_allclose(more.field, alone.field, rtol=1e-12)


@pytest.mark.parametrize(
    "law",
    [
        (lambda d: (d * d).sum(), lambda d: d),
        (lambda d: d * d, lambda d: None),
        (lambda d: d * d, lambda d: d * 1j),
        (lambda d: d * d, lambda d: d, lambda d: d[:2]),
    ],
)
def test_potentials_of_the_wrong_form_are_refused(law):
    with pytest.raises(meshrep.InputError, match="functions of the potential must return"):
        meshrep.EdgeEnergy(RING, law)
    with pytest.raises(meshrep.InputError, match="functions of the node_potential must return"):
        meshrep.EdgeEnergy(RING, (lambda d: d, lambda d: d), law)


class Mine(meshrep.Energy):
    """An energy whose evaluator is a function of (w, backend)."""

    def __init__(self, function):
        super().__init__(RING)
        self.function = function

    def on(self, backend):
        function = self.function

        class Inner(meshrep.Evaluator):
            def value_and_grad(self, w):
                return function(w)

        return Inner()


WRONG = {
    "in place": (in_place, "changed the field that it was given"),
    "none": (lambda w: (1.0, None), "second, not None"),
    "a number": (lambda w: 1.0, "a number and an array, not a float"),
    "one entry": (lambda w: (1.0, w[:1]), r"second, not an array of shape \(1,\)"),
    "complex": (lambda w: (1.0, w * 1j), "second, not an array"),
    "complex energy": (lambda w: (1j, w), "first, not a complex"),
}


@pytest.mark.parametrize("solver", ["lbfgs", "gd", "newton", "multilevel", "rk4", "lbfgs-scipy"])
@pytest.mark.parametrize("name", WRONG)
def test_evaluators_are_checked_by_their_first_call(name, solver):
    function, message = WRONG[name]
    start = np.ones(6)
    with pytest.raises(meshrep.InputError, match=message) as caught:
        meshrep.solve(Mine(function), solver, start=start)
    assert "\n" not in str(caught.value)
    np.testing.assert_array_equal(start, 1.0)


def test_values_and_gradients_of_evaluators_are_checked():
    for function, message in WRONG.values():
        for asked in (Mine(function).value, Mine(function).gradient):
            with pytest.raises(meshrep.InputError, match=message):
                asked(np.ones(6))


def test_the_unit_is_a_positive_number():
    for unit in (0.0, -1.0, np.inf, np.nan, "a metre"):
        with pytest.raises(meshrep.InputError, match="unit must be a positive number"):
            meshrep.FunctionEnergy(RING, bowl, unit=unit)
    assert meshrep.FunctionEnergy(RING, bowl, unit=np.float32(0.5)).fitted(np.ones(6)).unit == 0.5


def test_a_unit_counts_only_where_it_is_found():
    class Measured:
        unit = 5.0

    class Before(Measured, Mine):
        """Takes the unit of the first of its bases."""

    class After(Mine, Measured):
        """Takes that of meshrep.Energy, which is no choice of a unit."""

    assert Before(bowl).has_unit and Before(bowl).unit == 5.0
    assert not After(bowl).has_unit and not Mine(bowl).has_unit


def test_evaluators_are_checked_in_sums_and_flows():
    with pytest.raises(meshrep.InputError, match="changed the field"):
        meshrep.integrate(Mine(in_place), 1.0)
    base = heat("ring:6")
    for name, message in (("in place", "changed the field"), ("one entry", r"of shape \(6,\)")):
        with pytest.raises(meshrep.InputError, match=message):
            meshrep.solve(base + Mine(WRONG[name][0]), "lbfgs")


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_gradients_of_evaluators_get_the_fields_type(kind):
    def typed(w):
        value, gradient = bowl(w)
        return value, gradient.astype(kind)

    found = meshrep.solve(Mine(typed), "lbfgs", start=np.full(6, 4.0))
    np.testing.assert_allclose(found.field, 2.0, atol=1 if kind == np.int64 else 1e-5)


def test_callbacks_may_change_what_they_are_given(monkeypatch):
    monkeypatch.setattr(meshrep.Monitor, "observe_every", 0.0)

    def observe(name, progress):
        progress.params[:] = 1e9

    def sample(w):
        w[:] = -1e9
        return 0.0

    energy = heat("lattice:6x6")
    for solver in ("lbfgs", "gd", "newton", "multilevel", "rk4"):
        clean = meshrep.solve(energy, solver, max_steps=30)
        told = meshrep.solve(energy, solver, max_steps=30, observe=observe, sample=sample)
        np.testing.assert_array_equal(told.field, clean.field)
        assert told.energy == clean.energy and told.start_energy == clean.start_energy
