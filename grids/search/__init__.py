"""Which groups to train: strategies, what they share, and what can be said about them."""
