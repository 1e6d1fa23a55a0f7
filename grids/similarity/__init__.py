"""How alike degradations are: PIES, features, their law, the matrix of distances."""
