"""The papers' experiments, a file a row: what is claimed, how it is run here, and what came of it.

P1 is "Accelerating Optimization using Neural Reparametrization" (Dehmamy, Both, Mohsenzadeh,
Wang), P2 "Faster Optimization on Sparse Graphs via Neural Reparametrization" (Both, Dehmamy,
Long, Yu).
"""
