"""The named energies: what the command line knows by name."""

from __future__ import annotations

import difflib
import importlib
import pkgutil

from meshrep.energies import named
from meshrep.energies.declaration import NamedEnergy
from meshrep.errors import InputError

TOPICS = ("heat", "phases", "topology")


def known_energies() -> dict[str, NamedEnergy]:
    """Every named energy by its name, in the order of the topics; imports no array library."""
    found: list[NamedEnergy] = []
    for module in pkgutil.iter_modules(named.__path__):
        found += getattr(importlib.import_module(f"{named.__name__}.{module.name}"), "ENERGIES", ())
    place = {topic: number for number, topic in enumerate(TOPICS)}
    found.sort(key=lambda energy: place.get(energy.topic, len(TOPICS)))  # stable within a topic
    return {energy.name: energy for energy in found}


def named_energy(name: str) -> NamedEnergy:
    """The declaration of a name.

    Raises
    ------
    InputError
        When no energy has the name. The message gives the nearest name and all names.
    """
    known = known_energies()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise InputError(f"unknown energy {name!r}: {hint}known are {', '.join(known)}")
