"""Training of a network: batches, schedule, state, loop."""
