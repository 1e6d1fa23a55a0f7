"""GRIDS: grouped multiple-degradation restoration with image degradation similarity."""
