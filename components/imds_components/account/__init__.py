"""``AccountMetadata``: an account's defaults for new instances, and its enforcement of IMDSv2.

``component``, ``survey`` and ``enforcement`` talk to Pulumi and AWS. The other modules are functions from values to
values, and import neither.
"""
