"""What the site of the documentation makes from the code, the examples and the pages."""
