"""The named energies, one file a kind: what a file lists in ``ENERGIES`` is known by name.

These files import no array library, so that help and refused options cost nothing.
"""
