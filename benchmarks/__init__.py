"""How long whole runs of `pulumi up` take on the embedded EC2, and what they ask of it."""
