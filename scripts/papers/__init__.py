"""The papers' experiments, one folder per row: the claim, how it is run here, and the result.

P1 is "Accelerating Optimization using Neural Reparametrization" (Dehmamy, Both, Mohsenzadeh,
Wang). P2 is "Faster Optimization on Sparse Graphs via Neural Reparametrization" (Both, Dehmamy,
Long, Yu).
"""
