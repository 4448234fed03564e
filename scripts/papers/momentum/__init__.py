"""Heavy ball and Nesterov's gradient."""
