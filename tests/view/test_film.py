import numpy as np
import pytest
import view_shapes as shapes

from meshrep.errors import InputError
from meshrep.view import display
from meshrep.view.film import film

image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_film_has_all_frames_and_moves(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(display, "can_render", lambda: False)
    graph = shapes.lattice(6)
    frames = [(0.1 * k, np.full(graph.n, k / 4)) for k in range(5)]
    drawn = film(graph, iter(frames), tmp_path / f"a{suffix}", quantity="temperature",
                 size=(240, 180), rate=10)  # fmt: skip
    assert drawn.engine == "matplotlib"
    with image.open(drawn.path) as read:
        assert (read.n_frames, read.size) == (5, (240, 180))
        middles = []
        for k in range(5):
            read.seek(k)
            middles.append(np.asarray(read.convert("RGB"))[100, 80].astype(int))
    assert middles[-1].sum() > middles[0].sum() + 200


def test_refusals(tmp_path):
    graph = shapes.lattice(4)
    with pytest.raises(InputError, match="frame"):
        film(graph, [], tmp_path / "a.gif")
    with pytest.raises(InputError, match=r"\.gif"):
        film(graph, [(0, np.zeros(16))], tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []
