"""The README's Python runs as printed, from another folder than the repository's."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.split("\n")[0] for block in BLOCKS])
def test_block_runs(block, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    pytest.importorskip("trimesh")
    pytest.importorskip("pyvista")
    pytest.importorskip("matplotlib")
    import meshrep.accessor  # noqa: F401

    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})


def test_there_are_blocks():
    assert len(BLOCKS) >= 3


def test_import_is_light():
    """No heavy package comes in with ``import meshrep``."""
    import subprocess
    import sys

    code = (
        "import sys, meshrep; "
        "print([m for m in ('numpy', 'scipy', 'torch', 'pyvista', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr
