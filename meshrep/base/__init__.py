"""What all other rooms use: arrays, back ends, settings, limits and the results of runs."""
