"""Waiting for EC2, and bringing one instance onto its options, with the clock and EC2 handed in.

Nothing here imports boto3 or Pulumi, so that every wait can be tested without time passing.
"""
