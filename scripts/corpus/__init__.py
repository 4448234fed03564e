"""What ``scripts/read_corpus.py`` compares meshrep with."""
