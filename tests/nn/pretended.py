"""A pretended accelerator: numbers on the CPU under tensors that claim another device.

It is torch's own way to write a back end in Python (PrivateUse1). Every operation is seen here. An
operation on tensors of both devices raises, as on a GPU, and so does an operation on real numbers
for which the host of a GPU would wait: reading a number, a branch on a value, a mask, a copy
between host and device. ``asked`` lists the latter.
"""

from __future__ import annotations

import functools
from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

NAME = "pretend"
WAITS = {
    "aten::_local_scalar_dense", "aten::is_nonzero", "aten::nonzero", "aten::equal",
    "aten::allclose", "aten::_unique2", "aten::masked_select", "aten::unique_consecutive",
    "aten::unique_dim",
}  # fmt: skip
INDEXED = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}
MOVES = {"aten::_to_copy", "aten::copy_", "aten::to"}


@functools.cache
def device() -> torch.device:
    """The pretended device, registered once in a process."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME)
    # Checkpoints ask every accelerator for it, also on the CPU.
    getattr(torch, NAME).get_amp_supported_dtype = lambda: [torch.float16]
    global _library
    _library = torch.library.Library("aten", "IMPL")
    _library.impl("empty_strided", _empty_strided, "PrivateUse1")
    _library.impl("empty.memory_format", _empty, "PrivateUse1")
    _library.impl("_copy_from", _copy_from, "PrivateUse1")
    return torch.device(f"{NAME}:0")


class There(torch.Tensor):
    """A tensor of the pretended device; ``inner`` has its numbers."""

    @staticmethod
    def __new__(cls, inner):
        strided = inner.layout == torch.strided
        return torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride() if strided else None, dtype=inner.dtype,
            layout=inner.layout, device=device(), requires_grad=False,
        )  # fmt: skip

    def __init__(self, inner):
        self.inner = inner

    def __repr__(self):
        return f"There({self.inner!r})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


def _empty_strided(size, stride, *, dtype=None, layout=None, device=None, pin_memory=None):
    return There(torch.empty_strided(size, stride, dtype=dtype))


def _empty(size, *, dtype=None, layout=None, device=None, pin_memory=None, memory_format=None):
    return There(torch.empty(size, dtype=dtype))


def _copy_from(source, target, non_blocking=False):
    if isinstance(source, There) != isinstance(target, There):
        _ask("a copy between host and device")
    _inner(target).copy_(_inner(source))
    return target


def _inner(thing):
    return thing.inner if isinstance(thing, There) else thing


class Watch:
    """What was asked of the host, and whether that is an error now."""

    def __init__(self):
        self.asked, self.strict, self.active = [], False, False


_watch = Watch()


def _ask(what):
    _watch.asked.append(what)
    if _watch.strict:
        raise AssertionError(f"the host waits for the device: {what}")


def _run(func, args, kwargs):
    name = func.name()
    base = name.split(".")[0]
    tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Tensor)]
    there = [x for x in tensors if isinstance(x, There)]
    here = [x for x in tensors if not isinstance(x, There)]
    moves = base in MOVES
    if there and not moves and any(x.dim() > 0 for x in here):
        raise RuntimeError(f"{name}: tensors of both devices")
    if there and base in WAITS:
        _ask(name)
    if there and base in INDEXED:
        if any(i is not None and i.dtype == torch.bool for i in args[1]):
            _ask(f"{name} by a mask")
        if len(args) > 2 and not isinstance(args[2], There):
            _ask(f"{name} of a number of the host")
    if there and here and moves:
        _ask(f"{name}, from the host")
    wanted = kwargs.get("device")
    lives = bool(there)
    if wanted is not None:
        lives = torch.device(wanted).type == NAME
        if lives:
            kwargs = {**kwargs, "device": "cpu"}
        if lives and here:
            _ask(f"{name}, from the host")
        elif there and not lives:
            _ask(f"{name}, to the host")
    if base == "aten::copy_":
        lives = isinstance(args[0], There)
    found = func(*tree_map(_inner, args), **tree_map(_inner, kwargs))
    if not lives:
        return found
    own = {id(x.inner): x for x in there}

    def wrap(x):
        if not isinstance(x, torch.Tensor) or isinstance(x, There):
            return x
        return own[id(x)] if id(x) in own else There(x)

    return tree_map(wrap, found)


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


@contextmanager
def pretending():
    """Tensors of the pretended device can be made and used here; gives the :class:`Watch`."""
    device()
    _watch.asked.clear()
    _watch.strict = False
    with _Mode():
        yield _watch


@contextmanager
def never_asking():
    """In here every wait of the host is an error."""
    before, _watch.strict = _watch.strict, True
    try:
        yield
    finally:
        _watch.strict = before
