"""A training in processes and on clusters: ranks, signals, allocations."""
