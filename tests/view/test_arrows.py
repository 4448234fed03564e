import numpy as np
import pytest
import view_shapes as shapes

from meshrep.errors import InputError
from meshrep.graphs.graph import Graph
from meshrep.view import arrows as drawn
from meshrep.view.film import film
from meshrep.view.look import Look
from meshrep.view.scene import panels, picture
from meshrep.view.subject import subject_of, what_is_seen

pytest.importorskip("pyvista")
image = pytest.importorskip("matplotlib.image")


def arrows(graph, phases):
    return subject_of(graph, phases, quantity="phase", look=Look(arrows=True)).arrows


def test_arrows_in_the_plane_point_at_their_phase():
    graph = shapes.lattice(9)
    phases = np.linspace(0, 6, 81)
    found = arrows(graph, phases)
    assert np.array_equal(found.points, graph.points)
    assert found.along == pytest.approx(
        np.stack([np.cos(phases), np.sin(phases), 0 * phases], axis=1)
    )
    assert found.length == pytest.approx(0.92)
    tips = found.outlines()[:, 4]
    assert tips == pytest.approx(graph.points + 0.46 * found.along)
    assert found.triangles().max() == 7 * 81 - 1


def test_arrows_on_a_surface_are_tangent_and_turn_with_the_phase():
    graph = shapes.ball(30)
    one, other = arrows(graph, np.zeros(graph.n)), arrows(graph, np.full(graph.n, np.pi / 2))
    assert np.abs((one.along * one.points).sum(axis=1)).max() < 0.12
    assert np.linalg.norm(one.along, axis=1) == pytest.approx(1)
    assert (one.along * other.along).sum(axis=1) == pytest.approx(0, abs=1e-12)
    equator = np.abs(one.points[:, 0]) < 0.9
    assert (one.along[equator, 0] > 0).all()  # phase 0 is the projected x axis


def test_normals_see_the_eye_whatever_the_sense_of_the_triangles():
    graph = shapes.ball(20)
    rng = np.random.default_rng(0)
    toward = np.array([0.0, 0.0, 1.0])
    turned = graph.triangles.copy()
    flip = rng.random(len(turned)) < 0.5
    turned[flip] = turned[flip][:, ::-1]
    normals, smooth = drawn.normals_to_eye(graph.points, turned, toward)
    facing = graph.points[:, 2] > 0.4
    assert (normals * graph.points).sum(axis=1)[facing].min() > 0.97
    assert smooth[facing].all()
    assert (normals[:, 2] >= 0).all()


def test_sharp_edges_of_a_solid_have_no_arrows():
    graph = shapes.cube(6)
    found = arrows(graph, np.zeros(graph.n))
    across = np.sort(np.abs(found.along), axis=1)
    assert len(found.points) > 30
    assert across[:, :2].max() < 0.35


@pytest.mark.parametrize("side", [60, 101])
def test_a_fine_lattice_is_thinned_evenly_to_about_forty_across(side):
    found = arrows(shapes.lattice(side), np.zeros(side * side))
    x = np.unique(found.points[:, 0])
    assert 18 <= len(x) <= 41
    assert len(set(np.diff(x))) == 1
    assert len(found.points) == len(x) ** 2


def test_nan_has_no_arrow():
    graph = shapes.lattice(5)
    phases = np.where(np.arange(25) < 20, 1.0, np.nan)
    assert len(arrows(graph, phases).points) == 20
    assert arrows(graph, np.full(25, np.nan)) is None


def test_degenerate_graphs():
    one = Graph.from_edges(1, [], points=np.zeros((1, 3)))
    same = Graph.from_edges(3, [[0, 1]], points=np.ones((3, 3)))
    for graph in (one, same):
        assert len(arrows(graph, np.zeros(graph.n)).points) == graph.n


def test_the_picture_contains_arrows_at_every_angle():
    graph = shapes.lattice(5)
    arrows = Look(arrows=True)
    low, high = (
        what_is_seen(subject_of(graph, np.full(25, phi), quantity="phase", look=arrows))
        for phi in (0.0, 2.0)
    )
    assert np.array_equal(low, high)
    assert low[:, 0].min() == pytest.approx(-0.46)


@pytest.mark.slow
@pytest.mark.parametrize("make", [shapes.lattice, shapes.ball, shapes.cube, shapes.ring])
def test_arrows_are_seen(tmp_path, engine, make):
    graph = make()
    phases = np.linspace(0, 3, graph.n)
    args = {"quantity": "phase", "size": (400, 300)}
    plain = image.imread(picture(graph, phases, tmp_path / "a.png", **args).path)[:, :300, :3]
    shown = picture(graph, phases, tmp_path / "b.png", arrows=True, **args)
    in_plane = subject_of(graph, phases).planar
    assert shown.engine == ("matplotlib" if in_plane else engine)
    pixels = image.imread(shown.path)[:, :300, :3]
    dark, bright = (pixels.max(axis=2) < 0.2).sum(), (plain.max(axis=2) < 0.2).sum()
    assert dark > bright + 100


def test_only_phases_have_arrows(tmp_path):
    graph = shapes.lattice(4)
    for draw in (
        lambda: picture(graph, np.zeros(16), tmp_path / "a.png", arrows=True),
        lambda: panels(graph, {"a": np.zeros(16)}, tmp_path / "a.png", arrows=True),
        lambda: film(graph, [(0, np.zeros(16))], tmp_path / "a.gif", arrows=True),
    ):
        with pytest.raises(InputError, match="arrows show phases, not field"):
            draw()
    assert list(tmp_path.iterdir()) == []
