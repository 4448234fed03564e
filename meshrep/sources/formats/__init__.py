"""One file for each format that is read here and not by a library."""
