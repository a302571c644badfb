"""What a fleet costs as it grows, beside as many resources that do nothing."""
