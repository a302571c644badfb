"""The component ``FleetMetadata``: what a fleet is, what a run does to it, and its resources.

Only `component`, `survey` and `resources` import Pulumi or ask AWS; the others are functions from values to values.
"""
