"""What everything stands on: arrays, back ends, and how a run ended."""
