"""Sweeps: one problem at many parameters, in several processes, which a new run can continue."""
