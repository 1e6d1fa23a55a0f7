"""What can run the networks of an export; one module each, which alone imports it."""
