"""What must hold together in a configuration, by its sections."""
