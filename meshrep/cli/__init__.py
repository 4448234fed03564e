"""The command line: options, the problem they pose, and what a run leaves behind."""
