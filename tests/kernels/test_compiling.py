"""Compiled kernels are kept on disk, whatever state the disk and the files are in."""

import ast
import importlib.util
import os
import random
import warnings
from pathlib import Path

import pytest
from problems_of_tests import mostly_slow

numba = pytest.importorskip("numba")
if numba.config.DISABLE_JIT:
    pytest.skip("numba is switched off", allow_module_level=True)

SOURCE = """
from meshrep.kernels.compiling import kernel

@kernel()
def half(x):
    return x / 2
"""


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A function that gives the kernel as a new process would find it."""
    from meshrep.kernels import compiling

    monkeypatch.setattr(numba.core.config, "CACHE_DIR", str(tmp_path / "cache"))
    source = tmp_path / "halves.py"
    source.write_text(SOURCE)

    def load():
        compiling._tell.cache_clear()
        compiling._sources.cache_clear()
        spec = importlib.util.spec_from_file_location("halves", source)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.half

    return load


def files(tmp_path):
    return sorted((tmp_path / "cache").rglob("*.kernel"))


def test_a_kernel_is_compiled_once_for_each_type(fresh, tmp_path):
    first, again = fresh(), fresh()
    assert first(3) == 1.5 and first(3.0) == 1.5 and len(files(tmp_path)) == 2
    assert again(3) == 1.5 and again(3.0) == 1.5
    assert sum(again.stats.cache_hits.values()) == 2 and not again.stats.cache_misses


def test_a_source_that_changed_is_compiled_anew(fresh, tmp_path):
    assert fresh()(3.0) == 1.5
    (tmp_path / "halves.py").write_text(SOURCE.replace("x / 2", "x / 4"))
    assert fresh()(3.0) == 0.75


def test_a_kernel_that_it_imports_may_change_too(fresh, tmp_path, monkeypatch):
    from meshrep.kernels import compiling

    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compiling.py"))
    for name in ("compiling", "helper", "deeper"):
        (tmp_path / f"{name}.py").write_text("")
    never = "\nif False:\n    from meshrep.kernels.helper import third\n"
    (tmp_path / "halves.py").write_text(SOURCE + never)
    (tmp_path / "helper.py").write_text("from meshrep.kernels import deeper, compiling\n")
    for changed in (None, "helper.py", "deeper.py"):
        if changed is not None:
            with open(tmp_path / changed, "a") as file:
                file.write("# changed\n")
        for misses in (1, 0):
            half = fresh()
            assert half(3.0) == 1.5 and sum(half.stats.cache_misses.values()) == misses


def test_the_sources_of_a_kernel_are_all_that_it_imports():
    from meshrep.kernels import compiling, heat

    names = {path.stem for path in Path(heat.__file__).parent.glob("*.py")}
    for name in names:
        path = Path(heat.__file__).with_name(f"{name}.py")
        imported = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("meshrep.kernels"):
                inner = node.module.removeprefix("meshrep.kernels").removeprefix(".")
                imported |= {inner} if inner else {alias.name for alias in node.names}
        found = {Path(source).stem for source in compiling._sources(str(path))}
        assert {name, *imported} <= found <= names
    assert {"heat", "steps", "sums", "updates", "compiling"} == {
        Path(source).stem for source in compiling._sources(heat.__file__)
    }


DAMAGES = ("empty", "short", "tail", "noise", "flip", "other", "folder")


@pytest.mark.parametrize("damage", mostly_slow(2, DAMAGES))
def test_a_damaged_file_is_compiled_anew(fresh, tmp_path, damage):
    kept = fresh()
    assert kept(3.0) == 1.5 and kept(3) == 1.5
    path, other = files(tmp_path)
    whole, noise = path.read_bytes(), random.Random(0)
    content = bytearray(whole)
    if damage in ("noise", "flip"):
        for k in range(len(content)) if damage == "noise" else [len(content) // 2]:
            content[k] ^= noise.randrange(1, 256)
    cut = {"empty": 0, "short": 20, "tail": len(whole) - 1}.get(damage, len(whole))
    path.write_bytes(other.read_bytes() if damage == "other" else content[:cut])
    if damage == "folder":
        path.unlink()
        path.mkdir()
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        half = fresh()
        assert half(3.0) == 1.5 and half(3) == 1.5
    assert sum(half.stats.cache_misses.values()) == 1
    if damage == "folder":
        assert len(notes) == 1 and "is a directory" in str(notes[0].message)
    else:
        assert not notes and len(path.read_bytes()) > len(whole) / 2
        assert fresh()(3.0) == 1.5


@pytest.mark.parametrize("why", ["no place", "full", "gone"])
def test_without_a_place_each_process_compiles_with_one_note(fresh, tmp_path, monkeypatch, why):
    if why == "no place":
        monkeypatch.setattr(numba.core.config, "CACHE_LOCATOR_CLASSES", "UserProvidedCacheLocator")
        (tmp_path / "cache").touch()  # a file, in which no folder can be made
    elif why == "full":
        resource = pytest.importorskip("resource")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    half = fresh()
    if why == "gone":
        (tmp_path / "cache" / os.listdir(tmp_path / "cache")[0]).rmdir()
        (tmp_path / "cache").rmdir()
        (tmp_path / "cache").touch()
    try:
        with pytest.warns(RuntimeWarning, match="kernels cannot be kept") as notes:
            assert half(3.0) == 1.5 and half(3) == 1.5
    finally:
        if why == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(notes) == 1 and not files(tmp_path)
