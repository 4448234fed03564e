"""Why a solve is slow: spectra, slow modes and rates at the start and the end."""
