"""What the repository needs to set itself up, show itself and test itself. Not part of the distribution."""
