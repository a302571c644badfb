"""Cost of a fleet by its size, next to as many resources that do nothing."""
