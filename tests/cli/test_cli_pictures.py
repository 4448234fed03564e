"""Options of pictures reach the files; a folder keeps nothing of an earlier run but the user's."""

import json
import os

import numpy as np
import pytest

from meshrep.cli.options import parse
from meshrep.cli.outputs.collector import Outputs
from meshrep.errors import InputError
from meshrep.view.look import Clip


def test_options_are_a_look(tmp_path):
    file = tmp_path / "paper.toml"
    file.write_text('view = "iso"\nzoom = 2\n')
    words = ["a.ply", "--look", str(file), "--view", "-x", "--clip=z=3", "--clim=-1,2", "--edges"]
    output = parse([*words, "--film", "a.gif", "--fps", "5", "--orbit", "360"]).output
    assert (output.look.view, output.look.zoom, output.look.edges) == ("-x", 2, True)
    assert output.look.clip == Clip(2, 3.0) and output.look.limits == (-1, 2)
    assert (output.film.fps, output.film.orbit) == (5, 360)
    for more, message in (
        (("--clip", "q"), "--clip is x, y, z"),
        (("--orbit", "90"), "--orbit needs --film"),
        (("--look", "none.toml"), "--look none.toml: cannot be read"),
        (("--topology", "--view", "iso"), "--view is for heat and phases"),
    ):
        with pytest.raises(InputError, match=message):
            parse(["a.ply", *more])


def test_a_run_leaves_nothing_of_the_earlier_run_but_what_a_user_changed(tmp_path):
    def run(*names):
        outputs = Outputs(tmp_path)
        for name in ("report.json", *names):
            path = outputs / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("{}")
            outputs.add(path)
        outputs.settle()
        return {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")}

    (tmp_path / "notes.txt").write_text("mine")
    run("field.png", "diagnosis.png", "edited.csv", "transient/a_0001.vtp")
    later = (tmp_path / "report.json").stat().st_mtime_ns + 10**9
    os.utime(tmp_path / "edited.csv", ns=(later, later))
    assert run("field.png") == {"report.json", "field.png", "edited.csv", "notes.txt"}
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["files"] == ["field.png", "report.json"]
    (tmp_path / "report.json").write_text(json.dumps({"files": ["../outside", "/etc/hosts", 3]}))
    (tmp_path.parent / "outside").write_text("")
    run()
    assert (tmp_path.parent / "outside").exists()


def test_the_accessor_draws_point_data(tmp_path):
    pv = pytest.importorskip("pyvista")
    mesh = pv.Plane(i_resolution=3, j_resolution=3)
    mesh["height"] = np.arange(16.0)
    mesh.meshrep.plot("height", tmp_path / "a.png", size="200x150", view="xy")
    assert (tmp_path / "a.png").stat().st_size > 1000
    with pytest.raises(InputError, match="no point data 'depth'"):
        mesh.meshrep.plot("depth", tmp_path / "a.png")
