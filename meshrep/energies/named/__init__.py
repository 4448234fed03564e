"""The named energies, one file a kind; each file lists its declarations in ``ENERGIES``.

These files import no array library, so that help and refused options cost nothing.
"""
