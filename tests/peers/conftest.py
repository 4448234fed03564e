"""Programs here run under peers of their own, and are no tests."""

collect_ignore_glob = ["*.py"]
