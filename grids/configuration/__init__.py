"""What a user may write: the typed settings, how they are read, their reference."""
