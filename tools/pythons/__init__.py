"""The tests on every Python of this machine."""
