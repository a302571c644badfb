"""What runs in the user's Pulumi program beside the components: one owner for each option, no explicit providers.

One process may run several programs, so nothing here is kept for the process.
"""
