"""What the resources do in the user's Pulumi program: one owner for each option, no explicit AWS providers.

One process may run several programs, so nothing here is kept per process.
"""
