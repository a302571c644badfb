"""Measurements of whole runs of `pulumi up` on the embedded EC2: wall time and API calls."""
