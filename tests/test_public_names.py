"""The public names: importable, typed, documented."""

import ast
import enum
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
import user_code

import meshrep

ROOT = Path(meshrep.__file__).parent
NAMES = [name for name in meshrep.__all__ if name != "__version__"]


def imports_for_type_checkers():
    """Module of each name in the block that only type checkers read."""
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    found = {}
    for line in block.body:
        for alias in line.names:
            assert alias.asname == alias.name, f"{alias.name} is not public to strict checkers"
            found[alias.name] = line.module
    assert found.pop("nn") == "meshrep"  # a room, which is not in the table
    return found


def test_the_table_of_names_and_the_imports_for_type_checkers_agree():
    assert imports_for_type_checkers() == meshrep._HOME
    assert list(meshrep._HOME) == sorted(meshrep._HOME)


def test_a_name_stands_where_the_table_says():
    for name, module in meshrep._HOME.items():
        thing = getattr(meshrep, name)
        assert getattr(thing, "__module__", module) in (module, "typing", "types"), name
    with pytest.raises(AttributeError, match="no attribute 'Unknown'"):
        _ = meshrep.Unknown


def test_every_minimiser_and_parametrization_is_public():
    """All movers and variables of the package can be imported from the top."""
    for room, base in (("minimisers", "Minimiser"), ("parametrizations", "Parametrization")):
        package = importlib.import_module(f"meshrep.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"meshrep.{room}."):
            if ".torch" in found.name:
                continue
            module = importlib.import_module(found.name)
            for name, kind in vars(module).items():
                own = inspect.isclass(kind) and kind.__module__ == found.name
                movable = own and issubclass(kind, getattr(meshrep, base))
                if movable and not inspect.isabstract(kind) and name != "FirstOrder":
                    assert getattr(meshrep, name) is kind


def parameters(thing):
    try:
        found = inspect.signature(thing).parameters.values()
    except ValueError:  # exceptions have no signature
        return []
    return [p.name for p in found if p.name not in ("args", "kwargs")]


def documented(thing):
    """The docstring, and those of the functions that it refers to for its other arguments."""
    text = inspect.getdoc(thing) or ""
    for name in re.findall(r"rguments are those of :func:`(?:[\w.]*\.)?(\w+)`", text):
        text += documented(getattr(meshrep, name))
    return text


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_documented_with_its_parameters(name):
    thing = getattr(meshrep, name)
    if not callable(thing):
        return  # a type alias
    text = documented(thing)
    assert text, f"{name} has no docstring"
    if inspect.isclass(thing) and issubclass(thing, enum.Enum):
        return  # its members are sentences
    for parameter in parameters(thing):
        section = re.search(r"\n(Parameters|Attributes)\n-+\n(.*)", text, re.S)
        assert section, f"{name} takes {parameter} and has no section Parameters"
        described = re.search(rf"(^|[\s,*`]){re.escape(parameter)}\b", section[2])
        assert described or f"``{parameter}``" in text, f"{name}: {parameter} is not described"


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "py.typed").is_file()
    assert "py.typed" in (ROOT.parent / "pyproject.toml").read_text(encoding="utf-8")


def test_what_a_user_writes_runs(monkeypatch):
    """The file that ``mypy`` checks as strictly as a user may."""
    monkeypatch.setattr("meshrep.solving.catalogue._registered", {})  # no name stays behind
    assert max(user_code.own_parts()) < 1e-12
    assert [row.result.word for row in user_code.heat().rows] == ["converged"] * 3
    assert user_code.phases() > 0.9
    user_code.register()
