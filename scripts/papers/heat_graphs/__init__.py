"""Heat on six graphs."""
