"""Find optimiser classes by name in ``torch.optim``, pytorch_optimizer or any other package."""

from __future__ import annotations

import difflib
import importlib
import inspect
from typing import Any

from meshrep.base.backends import installed
from meshrep.errors import InputError, MissingPart

PACKAGE = "pytorch_optimizer"


def optimiser_class(method: str | type) -> type:
    """The optimiser class with this name.

    Parameters
    ----------
    method : str or type
        The name of a class in ``torch.optim`` ("rmsprop") or in the package ``pytorch_optimizer``
        ("shampoo", "soap"); or "package.module:Class"; or a class with the interface of
        ``torch.optim.Optimizer``. Names are looked for in ``torch.optim`` first, without regard to
        case, hyphens and underscores.

    Raises
    ------
    MissingPart
        If torch is not installed, or if torch.optim has no such class and pytorch_optimizer is
        not installed.
    InputError
        If there is no such class. The message names similar classes.
    """
    if not installed("torch"):
        raise MissingPart("torch", "run its optimisers", "torch")
    if isinstance(method, type):
        return _checked(method, method.__name__)
    if ":" in method:
        return _by_path(method)
    known = _classes("torch.optim")
    if _plain(method) in known:
        return known[_plain(method)]
    if not installed(PACKAGE):
        raise MissingPart(
            PACKAGE, f"look for {method!r}, which torch.optim does not have,", "optimisers"
        )
    known = _classes(PACKAGE) | known
    if _plain(method) in known:
        return known[_plain(method)]
    near = difflib.get_close_matches(_plain(method), known, 3)
    names = " or ".join(known[name].__name__ for name in near)
    hint = f"did you mean {names}?" if near else "name one of their classes or package.module:Class"
    raise InputError(f"there is no optimiser {method!r} in torch.optim or {PACKAGE}: {hint}")


def _plain(name: str) -> str:
    """A name without case, hyphens and underscores."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _classes(module: str) -> dict[str, type]:
    """The optimisers of a module by their plain names."""
    from torch.optim import Optimizer

    found = vars(importlib.import_module(module))
    return {
        _plain(name): value
        for name, value in found.items()
        if isinstance(value, type) and issubclass(value, Optimizer) and value is not Optimizer
    }


def _by_path(path: str) -> type:
    """The class of "package.module:Class"."""
    module, _, name = path.partition(":")
    try:
        found = importlib.import_module(module)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"{path!r}: {module!r} cannot be imported ({error}): install its package, or correct "
            "the path"
        ) from error
    if not hasattr(found, name):
        near = difflib.get_close_matches(name, vars(found), 1)
        hint = f": did you mean {near[0]}?" if near else ""
        raise InputError(f"{path!r}: {module} has no {name!r}{hint}")
    return _checked(getattr(found, name), path)


def _checked(found: Any, name: str) -> type:
    if not (isinstance(found, type) and callable(getattr(found, "step", None))):
        raise InputError(f"{name} is not an optimiser: it must be a class with a method step")
    return found


def accepted(optimiser: type, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings given, with weight decay set to 0 unless it is among them.

    Weight decay pulls the field to 0, so the optimiser would minimise a different energy. A user's
    class that takes ``**kwargs`` accepts any setting. A class of torch or pytorch_optimizer accepts
    only those in its signature, because it would silently ignore a misspelled one.

    Raises
    ------
    InputError
        For a setting that the class does not have. The message names a similar one.
    """
    known = _parameters(optimiser)
    own = optimiser.__module__.split(".")[0] in ("torch", PACKAGE)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in known.values()) and not own
    named = [name for name, p in known.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    for name in settings:
        if name not in named and not open_ended:
            near = difflib.get_close_matches(name, named, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise InputError(
                f"{optimiser.__name__} has no setting {name!r}: {hint}it takes {', '.join(named)}"
            )
    return dict.fromkeys(decays(optimiser), 0.0) | settings


def decays(optimiser: type) -> list[str]:
    """The settings by which the class shrinks its variables by default."""
    return [
        name
        for name, p in _parameters(optimiser).items()
        if name.startswith("weight_decay") and isinstance(p.default, float) and p.default > 0
    ]


def own_rate(optimiser: type) -> float | None:
    """The class's default step length: 0 if it has no default, None if it has no step length."""
    rate = _parameters(optimiser).get("lr")
    if rate is None:
        return None
    return float(rate.default) if isinstance(rate.default, (int, float)) else 0.0


def needs_closure(optimiser: type) -> bool:
    """Whether ``step`` needs a function that evaluates the energy, as torch's L-BFGS does."""
    closure = inspect.signature(optimiser.step).parameters.get("closure")  # type: ignore[attr-defined]
    return closure is not None and closure.default is closure.empty


def wants_curvature(optimiser: type) -> bool:
    """Whether ``step`` takes an estimate of the Hessian's diagonal."""
    return "hessian" in inspect.signature(optimiser.step).parameters  # type: ignore[attr-defined]


def _parameters(optimiser: type) -> dict[str, inspect.Parameter]:
    """The parameters of the class's constructor, without the variables."""
    return dict(list(inspect.signature(optimiser).parameters.items())[1:])
