"""The component ``FleetMetadata``: what a fleet is, what a run does to it, and its resources.

``component``, ``survey`` and ``resources`` talk to Pulumi and AWS. The other modules are functions from values to
values, and import neither.
"""
