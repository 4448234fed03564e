"""Linear systems, multigrid, spectra: numbers without physics."""
