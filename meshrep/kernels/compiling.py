"""How kernels are compiled, and kept on disk for the next process.

numba's own cache has no checksums, it raises whatever a damaged file or a full disk raises, and two
processes that fill it at the same time can give one kernel the code of another. The cache here has
one file for each kernel and types of arguments. A file that is damaged, or made from other source
code, is written again, and where no file can be written, each process compiles for itself.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import secrets
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, NullCache
from numba.core.serialize import dumps

_DIGEST = hashlib.sha256().digest_size
_IMPORTED = re.compile(
    r"^\s*from meshrep\.kernels(?:\.(\w+) import| import (\w+(?:, \w+)*)$)", re.M
)


def kernel(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: numba compiles the function, without the GIL, and its code is kept on disk.

    Parameters
    ----------
    **options
        Those of ``numba.njit``, such as ``parallel`` and ``fastmath``.
    """

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        compiled = numba.njit(nogil=True, **options)(function)
        if compiled is not function:  # which it is where NUMBA_DISABLE_JIT is set
            try:
                compiled._cache = _Kept(function)
            except (OSError, RuntimeError):  # the latter is numba's "no locator available"
                compiled._cache = _Nowhere()
        return compiled

    return decorated


class _Kept(FunctionCache):
    """The cache of one function, in files that are known to be whole."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stem = os.path.join(self.cache_path, self._impl.filename_base)
        sources = _sources(function.__code__.co_filename)
        self._cache_file = _Files(stem, sources)  # type: ignore[assignment]

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for these types, or None, which has it compiled and saved."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever numba makes of code that it cannot link
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write the code for these types, or say why it cannot be written."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _tell(f" in {self.cache_path} ({(error.strerror or str(error)).lower()})")


class _Nowhere(NullCache):
    """The cache of a function where no folder can be written."""

    def load_overload(self, sig: Any, target_context: Any) -> None:
        _tell("")


class _Files:
    """One file for each key; it begins with a digest of key, version, source and content."""

    def __init__(self, stem: str, sources: Mapping[str, str]) -> None:
        self.stem, self.sources = stem, sources

    def load(self, key: Any) -> Any:
        """What was saved, or None where there is no such file, or one of other content."""
        path, about = self._file(key)
        try:
            read = path.read_bytes()
        except OSError:
            return None
        digest, content = read[:_DIGEST], read[_DIGEST:]
        whole = digest == hashlib.sha256(about + content).digest()
        return pickle.loads(content) if whole else None

    def save(self, key: Any, data: Any) -> None:
        """Write a file whole or not at all."""
        path, about = self._file(key)
        content = dumps(data)
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        try:
            temporary.write_bytes(hashlib.sha256(about + content).digest() + content)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def flush(self) -> None:
        """Forget all, before a function is compiled anew."""
        stem = Path(self.stem)
        for path in stem.parent.glob(f"{stem.name}-*.kernel"):
            path.unlink(missing_ok=True)

    def _file(self, key: Any) -> tuple[Path, bytes]:
        name = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        about = repr((numba.__version__, self.sources, key)).encode()
        return Path(f"{self.stem}-{name}.kernel"), about


@cache
def _sources(name: str) -> dict[str, str]:
    """Digests of a kernel's file and of the files of kernels that it imports, by their names.

    A kernel contains the code of those that it calls.
    """
    found: dict[str, str] = {}
    waiting = [Path(name)]
    while waiting:
        path = waiting.pop()
        if path.name in found:
            continue
        text = path.read_text(encoding="utf-8")
        found[path.name] = hashlib.sha256(text.encode()).hexdigest()
        for module, several in _IMPORTED.findall(text):
            names = [module] if module else several.split(", ")
            waiting += [Path(__file__).with_name(f"{one}.py") for one in names]
    return found


@cache
def _tell(where: str) -> None:
    warnings.warn(
        f"compiled kernels cannot be kept{where}, so that each run compiles them again: set "
        "NUMBA_CACHE_DIR to a folder that can be written and has some 50 MB free",
        RuntimeWarning,
        stacklevel=2,
    )
