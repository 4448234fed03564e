"""Recorded runs made by hand, for tests of tables and verdicts."""

from meshrep.solving.records import LEVELS


def run(reached, **more):
    """Return a run that is at all levels after ``reached`` steps; None for never."""
    to = None if reached is None else [reached, 1e-3 * reached]
    return {
        "begun": 1.0, "energy": 0.0, "steps": 500, "seconds": 0.5, "setup": 0.0, "prefit": 0.0,
        "result": "flat", "measures": {}, "to": dict.fromkeys(LEVELS, to),
        "curve": [[0, 0.0, 1.0], [10, 0.01, 0.5], [500, 0.5, 0.0]],
    } | more  # fmt: skip


def cell(runs, seeds=2, **more):
    """Return a contest of such runs, alike for all seeds; labels name groups and rates."""
    runs = {label: one if isinstance(one, dict) else run(one) for label, one in runs.items()}
    groups = {label: label.split(", rate")[0].split(", then")[0] for label in runs
              if ", rate" in label}  # fmt: skip
    return {
        "nodes": 9, "edges": 12, "begun": [1.0] * seeds, "reference": 0.0, "groups": groups,
        "runs": {label: [one] * seeds for label, one in runs.items()},
    } | more  # fmt: skip
