"""The sizes at which the library changes its way of working, once each.

Use them as ``limits.THREADS_FROM``, so that a test that sets one here sets it everywhere. A name
that ends in ``FROM`` is the least size that a way is taken at, one in ``UP_TO`` the largest; the
comment gives the unit and the reason. Limits with one number stay apart where they decide
different things. The block sizes of kernels are not here: kernels import nothing of ours.
"""

# Threads: starting them and waiting for the slowest one costs more than they save on less work.

# Rows that a kernel passes over (nodes, unknowns, entries of a vector). Below it several solvers
# may run at once, each on one core.
THREADS_FROM = 20_000
# Nodes. torch waits longer for its threads than numba does.
TORCH_THREADS_FROM = 100_000
# Nodes. A sweep of lift waits for its threads once for each colour.
LIFT_THREADS_FROM = 200_000
# Sites of an average colour. A sweep of anneal waits for its threads once for each colour.
ANNEAL_THREADS_FROM = 10_000
# Gaussians, of 1.5 ns each.
GAUSSIAN_THREADS_FROM = 300_000

# Ctrl-C waits until a jitted call returns: the calls are cut so that they stay below this.

# Seconds.
CALL_SECONDS = 0.1
# Coordinates that the first call moves, when the speed is not known yet.
FIRST_CALL_UP_TO = 10_000_000

# Dense matrices and factorisations.

# Rows of a matrix all of whose eigenvalues are computed where only the least one is wanted.
ALL_EIGENVALUES_UP_TO = 300
# Coordinates at which a diagnosis forms dense matrices, of 32 MB each at the limit.
DENSE_UP_TO = 2_000
# The same where there is a faster way, or where each column costs an evaluation.
DENSE_BY_COLUMNS_UP_TO = 600
# Rows of a sparse matrix that is factored for its least eigenvalues; more may take minutes.
FACTORED_UP_TO = 100_000
# The same for a matrix whose factors fill up, as those of expanders do.
FILLED_UP_TO = 5_000
# Nodes at which the variables "sobolev" factor I + λL.
SOBOLEV_FACTORED_UP_TO = 300_000
# Points whose kernel matrix is factored: |I|³/3 operations.
KERNEL_FACTORED_UP_TO = 6_000
# n·bandwidth², the work of a band factorisation: it takes 0.02 s or less. Without numba the other
# ways are slower, and ten times the work is still the fastest way.
DIRECT_WORK_UP_TO = 3e7
DIRECT_WORK_WITHOUT_NUMBA_UP_TO = 3e8
# Unknowns of the coarsest level of a hierarchy, and those at which its matrix is inverted.
COARSEST_UP_TO = 300
INVERTED_UP_TO = 500
# Unknowns at which a factorisation is likely to be chosen, so that no iterative solver is compiled
# beforehand.
MOSTLY_DIRECT_UP_TO = 1_000
# Nodes at which optimisers that keep matrices over all pairs of rows may do so.
PAIRS_OF_ROWS_UP_TO = 4_000
# Coordinates at which a diagnosis looks at K = J Jᵀ at the start of a run as well as at its end.
DIAGNOSED_AT_START_UP_TO = 300_000

# Memory.

# Entries from which pairs of L-BFGS are kept in float32: reading them is most of a step.
SINGLE_PAIRS_FROM = 100_000
# Nodes and the replicas that lift carries up to there; larger graphs have one.
LIFT_REPLICAS_UP_TO = ((20_000, 32), (100_000, 8))
# Gaussians held at once where they are held: 16 MB.
GAUSSIANS_HELD_UP_TO = 2_000_000
# Numbers in a Lanczos basis for H, for K and for K H: they bound the time as well.
LANCZOS_NUMBERS_UP_TO = (2e7, 4e6, 1e7)
# Numbers of a Jacobian that is held whole: 480 MB.
JACOBIAN_NUMBERS_UP_TO = 6e7
# Points of a cloud all of whose distances are computed at once.
ALL_DISTANCES_UP_TO = 400
# Paths of two edges in which cycles are looked for.
PATHS_UP_TO = 30_000_000
# Nodes from which a better order of the nodes is looked for: fewer stay in the cache in any order.
REORDERED_FROM = 500_000
# Nodes of a graph: the last number that fits 32 bits. Pairs of nodes then fit 64 bits.
NODES_UP_TO = 2**31 - 1
