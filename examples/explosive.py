"""Explosive synchronisation: hubs that are fast hold a network back, until all fall into step.
============================================================================================

On a scale-free network each oscillator's natural frequency is the number of its neighbours:
dφ_i/dt = k_i + K Σ_j a_ij sin(φ_j − φ_i). As K grows, order jumps up at one coupling; as K falls,
it lasts to a smaller one. Gómez-Gardeñes, Gómez, Arenas and Moreno, "Explosive synchronization
transitions in scale-free networks" (2011).
"""

import networkx

import meshrep

network = networkx.barabasi_albert_graph(200, 3, seed=1)
curve = meshrep.synchronise(
    network, [0.8, 1.3, 2.5], frequencies="degree", settle=15, average=10, processes=1
)
print(f"r at K = 1.3: {curve.up[1]:.3f} on the way up, {curve.down[1]:.3f} on the way down")

assert curve.up[1] < 0.4
assert curve.down[1] > 0.8

if __name__ == "__main__":
    large = networkx.barabasi_albert_graph(1000, 3, seed=1)
    whole = meshrep.synchronise(large, "1:2:11", frequencies="degree")
    print(whole.critical())
    whole.plot("explosive.png", title="Barabási–Albert network, frequencies = degrees")
