import pytest

from meshrep.view import display


@pytest.fixture(params=["pyvista", "matplotlib"])
def engine(request, monkeypatch):
    """Each engine in turn; PyVista only if it can draw on this machine."""
    if request.param == "pyvista" and not display.can_render():
        pytest.skip("no OpenGL here")
    monkeypatch.setattr(display, "can_render", lambda: request.param == "pyvista")
    return request.param


@pytest.fixture
def figures(monkeypatch):
    """The figures that are saved, so that tests may look at their lines."""
    figure = pytest.importorskip("matplotlib.figure")
    saved = []
    save = figure.Figure.savefig
    monkeypatch.setattr(
        figure.Figure, "savefig", lambda self, *a, **k: (saved.append(self), save(self, *a, **k))
    )
    return saved
