"""Pictures, plots and files: what is shown of a graph, of fields on it and of solvers' histories."""
