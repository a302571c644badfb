"""The rules, as functions from values to values: options, validation, what counts as a change, health, words.

Nothing here imports boto3, Pulumi, or anything above it; nothing reads a clock, waits or logs.
"""
