"""Optimiser classes by name: of ``torch.optim``, of the package pytorch_optimizer, or anyone's."""

from __future__ import annotations

import difflib
import importlib
import inspect
from typing import Any

from meshrep.base.backends import installed
from meshrep.errors import InputError, MissingPart

PACKAGE = "pytorch_optimizer"


def optimiser_class(method: str | type) -> type:
    """The class of a name.

    Parameters
    ----------
    method : str or type
        A class of ``torch.optim`` ("rmsprop"), else of the package ``pytorch_optimizer``
        ("shampoo", "soap"), in any spelling of case, hyphens and underscores; or
        "package.module:Class"; or a class with the interface of ``torch.optim.Optimizer``.

    Raises
    ------
    MissingPart
        Where torch is not installed, or the name is not torch's and the package is not.
    InputError
        When there is no such class; says what is near.
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
    hint = f"did you mean {names}?" if near else "name a class of either, or package.module:Class"
    raise InputError(f"no optimiser {method!r} in torch.optim or {PACKAGE}: {hint}")


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
            f"{path!r}: {module!r} cannot be imported ({error}): install its package, or mend "
            "the path"
        ) from error
    if not hasattr(found, name):
        near = difflib.get_close_matches(name, vars(found), 1)
        hint = f": did you mean {near[0]}?" if near else ""
        raise InputError(f"{path!r}: {module} has no {name!r}{hint}")
    return _checked(getattr(found, name), path)


def _checked(found: Any, name: str) -> type:
    if not (isinstance(found, type) and callable(getattr(found, "step", None))):
        raise InputError(f"{name} is no optimiser: a class with a method step is needed")
    return found


def accepted(optimiser: type, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings for a class: those given, and no decay of the variables unless it is given.

    Weight decay pulls the field to 0, so that another energy would be minimised. Names that the
    signature does not show are refused where it belongs to torch or the package, even if it
    would swallow them.

    Raises
    ------
    InputError
        For a setting that the class does not have, with what is near.
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
    """Settings by which the class would shrink its variables unless told."""
    return [
        name
        for name, p in _parameters(optimiser).items()
        if name.startswith("weight_decay") and isinstance(p.default, float) and p.default > 0
    ]


def own_rate(optimiser: type) -> float | None:
    """The class's default step length, 0 where it must be given; None where it has none."""
    rate = _parameters(optimiser).get("lr")
    if rate is None:
        return None
    return float(rate.default) if isinstance(rate.default, (int, float)) else 0.0


def needs_closure(optimiser: type) -> bool:
    """Whether ``step`` wants a function that evaluates anew, as torch's L-BFGS does."""
    closure = inspect.signature(optimiser.step).parameters.get("closure")  # type: ignore[attr-defined]
    return closure is not None and closure.default is closure.empty


def wants_curvature(optimiser: type) -> bool:
    """Whether ``step`` takes an estimate of the Hessian's diagonal."""
    return "hessian" in inspect.signature(optimiser.step).parameters  # type: ignore[attr-defined]


def _parameters(optimiser: type) -> dict[str, inspect.Parameter]:
    """Parameters of the class's constructor after the variables."""
    return dict(list(inspect.signature(optimiser).parameters.items())[1:])
