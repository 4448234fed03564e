"""One problem at many parameters, in processes, resumable."""
