"""numba's threading layer is TBB where its package is installed."""

import pytest

from meshrep.base.backends import installed
from meshrep.kernels import threading_layer as threads


def test_a_missing_or_broken_package_is_no_error(monkeypatch, tmp_path):
    def missing(name):
        raise threads.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(threads.importlib.metadata, "files", missing)
    assert not threads.load_tbb()

    class Broken:
        name = threads.LIBRARIES[0]

        def locate(self):
            return tmp_path / self.name

    monkeypatch.setattr(threads.importlib.metadata, "files", lambda name: [Broken()])
    assert not threads.load_tbb()


@pytest.mark.skipif(not installed("numba"), reason="needs numba")
def test_kernels_run_on_tbb_where_it_is_installed(monkeypatch):
    import numba

    from meshrep.kernels import products  # noqa: F401  parallel kernels, so that threads start

    if numba.config.THREADING_LAYER != "default" or not threads.load_tbb():
        pytest.skip("another layer was asked for, or TBB is missing")

    @numba.njit(parallel=True)
    def ones(n):
        total = 0
        for _ in numba.prange(n):
            total += 1
        return total

    assert ones(10) == 10 and threads.threading_layer() == "tbb"
