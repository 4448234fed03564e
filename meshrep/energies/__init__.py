"""The physics: formula, gradient and Hessian of each energy, once."""
