"""InfoNet."""
