import subprocess
import sys

import pytest

from meshrep.view import display


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A machine without a remembered verdict, on which the libraries seem to be installed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(display.SWITCH, raising=False)
    monkeypatch.setattr(display, "_has_libraries", lambda: True)
    display.can_render.cache_clear()
    yield tmp_path
    display.can_render.cache_clear()


def count_probes(monkeypatch, verdict):
    pytest.importorskip("pyvista")
    probes = []
    monkeypatch.setattr(display, "_probe", lambda: probes.append(1) or verdict)
    return probes


def test_success_is_remembered_between_processes(fresh, monkeypatch):
    probes = count_probes(monkeypatch, True)
    for _ in range(3):
        assert display.can_render()
        display.can_render.cache_clear()
    assert len(probes) == 1
    monkeypatch.setenv("DISPLAY", ":123")
    assert display.can_render()
    assert len(probes) == 2


def test_failure_is_probed_again(fresh, monkeypatch):
    probes = count_probes(monkeypatch, False)
    for _ in range(2):
        assert not display.can_render()
        display.can_render.cache_clear()
    assert len(probes) == 2
    assert list(fresh.rglob("renders-*")) == []


def test_unwritable_cache_does_no_harm(fresh, monkeypatch):
    count_probes(monkeypatch, True)
    (fresh / "meshrep").write_text("a file where the folder should be")
    assert display.can_render()


def test_without_libraries_nothing_is_probed(fresh, monkeypatch):
    probes = count_probes(monkeypatch, True)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(display, "_has_libraries", lambda: False)
    assert not display.can_render()
    assert probes == []


def test_switch_says_no(fresh, monkeypatch):
    probes = count_probes(monkeypatch, True)
    monkeypatch.setenv(display.SWITCH, "off")
    assert not display.can_render()
    assert probes == []


def test_probe_outlives_a_crash(monkeypatch):
    monkeypatch.setattr(
        display, "_PROBE", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    )
    assert not display._probe()


def test_import_is_light():
    script = "import sys, meshrep.view.scene, meshrep.view.plots, meshrep.view.write\n" + (
        "print({'pyvista', 'vtkmodules', 'matplotlib', 'networkx'} & set(sys.modules))"
    )
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert child.stdout.strip() == "set()"
