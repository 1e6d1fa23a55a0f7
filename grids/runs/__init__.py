"""What people ask of a run: where it stands, what is out of date or left over, the way back."""
