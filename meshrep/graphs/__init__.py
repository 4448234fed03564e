"""Graphs, their cells and operators, the order of their nodes, their plaquettes."""
