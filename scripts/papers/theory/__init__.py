"""The theory of reparametrization in numbers."""
