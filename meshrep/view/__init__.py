"""Pictures, plots and files of graphs, of fields on them and of solvers' histories."""
