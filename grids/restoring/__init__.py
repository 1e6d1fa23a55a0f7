"""`grids restore`: photographs of many formats through a chosen model, in bounded memory."""
