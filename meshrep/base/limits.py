"""The sizes at which the library changes its method, each defined once.

Use them as ``limits.THREADS_FROM``: a test that sets a limit here then sets it everywhere. A name
with ``FROM`` is the smallest size at which a method is used, a name with ``UP_TO`` the largest.
Each comment gives the unit and the reason. Two limits with the same number are separate where they
decide different things. The block sizes of kernels are not here, since kernels import nothing of
ours.
"""

# Threads. Below these sizes starting threads and waiting for the slowest one costs more time than
# they save.

# Rows that a kernel passes over: nodes, unknowns or entries of a vector. Below this size several
# solvers may run at the same time, each on one core.
THREADS_FROM = 20_000
# Nodes. torch spends more time on its threads than numba does.
TORCH_THREADS_FROM = 100_000
# Nodes. A sweep of lift waits for its threads once for each colour.
LIFT_THREADS_FROM = 200_000
# Sites of an average colour. A sweep of anneal waits for its threads once for each colour.
ANNEAL_THREADS_FROM = 10_000
# Gaussians; each takes 1.5 ns.
GAUSSIAN_THREADS_FROM = 300_000

# Calls of kernels. Ctrl-C has no effect until such a call returns.

# Seconds that a call may take.
CALL_SECONDS = 0.1
# Coordinates moved by the first call, before the speed of a call is known.
FIRST_CALL_UP_TO = 10_000_000

# Nodes of a complete graph with equal couplings from which sums over all nodes replace its edges.
MEAN_FIELD_FROM = 32
# Nodes up to which the couplings of all pairs are stored: 48 MB.
ALL_PAIRS_UP_TO = 2_000

# Steps of a flow in time, which take hours on the smallest graph.
FLOW_STEPS_UP_TO = 10_000_000_000
# Seeds of one solver, which take an hour or more on most graphs.
RESTARTS_UP_TO = 100_000

# Dense matrices and factorisations.

# Rows up to which all eigenvalues are computed even where only the least one is wanted.
ALL_EIGENVALUES_UP_TO = 300
# Coordinates up to which a diagnosis forms dense matrices. At the limit each takes 32 MB.
DENSE_UP_TO = 2_000
# The same where there is a faster method, or where each column costs an evaluation.
DENSE_BY_COLUMNS_UP_TO = 600
# Rows up to which a sparse matrix is factored for its least eigenvalues; more may take minutes.
FACTORED_UP_TO = 100_000
# The same for a matrix whose factors are nearly dense, as those of expanders are.
FILLED_UP_TO = 5_000
# Nodes up to which the gap that a small gradient leaves is estimated by a linear system.
CERTIFIED_UP_TO = 1_000_000
# The same for the gap at the end of a run that did not converge, which a note gives.
GAP_NOTED_UP_TO = 100_000
# Cells up to which the error of the mesh is estimated unasked: a million tetrahedra take 30 s.
MESH_ERROR_UP_TO = 200_000
# Nodes up to which the variables "sobolev" factor I + λL.
SOBOLEV_FACTORED_UP_TO = 300_000
# Points up to which a kernel matrix is factored: n³/3 operations.
KERNEL_FACTORED_UP_TO = 6_000
# Work n·bandwidth² of a band factorisation up to which a system is factored; it takes 0.02 s or
# less. Without numba the other methods are slower, so that ten times this work is allowed.
DIRECT_WORK_UP_TO = 3e7
DIRECT_WORK_WITHOUT_NUMBA_UP_TO = 3e8
# The same for factors that many steps in time use again.
KEPT_DIRECT_WORK_UP_TO = 3e8
# Unknowns of the coarsest level of a hierarchy, and unknowns up to which its matrix is inverted.
COARSEST_UP_TO = 300
INVERTED_UP_TO = 500
# Unknowns up to which a system is probably factored, so no iterative solver is compiled in advance.
MOSTLY_DIRECT_UP_TO = 1_000
# Nodes up to which optimisers may build matrices over all pairs of rows.
PAIRS_OF_ROWS_UP_TO = 4_000
# Coordinates up to which a diagnosis studies K = J Jᵀ at the start of a run as well as at its end.
DIAGNOSED_AT_START_UP_TO = 300_000

# Memory.

# Entries from which the pairs of L-BFGS are kept in float32: reading them is most of a step.
SINGLE_PAIRS_FROM = 100_000
# Pairs of (largest number of nodes, replicas of lift). Larger graphs have one replica.
LIFT_REPLICAS_UP_TO = ((20_000, 32), (100_000, 8))
# Gaussians in memory at once, by the methods that store them: 16 MB.
GAUSSIANS_HELD_UP_TO = 2_000_000
# Numbers in the Lanczos basis for H, for K and for K H; they limit the time as well.
LANCZOS_NUMBERS_UP_TO = (2e7, 4e6, 1e7)
# Numbers in a Jacobian that is stored whole: 480 MB.
JACOBIAN_NUMBERS_UP_TO = 6e7
# Points up to which all distances of a cloud are computed at once.
ALL_DISTANCES_UP_TO = 400
# Paths of two edges up to which cycles are searched for.
PATHS_UP_TO = 30_000_000
# Nodes from which a better order is searched for: the field of fewer nodes stays in the cache.
REORDERED_FROM = 500_000
# Nodes of a graph: the largest number that fits 32 bits, so that a pair of nodes fits 64 bits.
NODES_UP_TO = 2**31 - 1
# Edges, and likewise nodes, of a graph that meshrep generates. A larger size is refused before any
# memory is used.
EDGES_UP_TO = 500_000_000
