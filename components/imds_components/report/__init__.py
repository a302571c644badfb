"""The posture report: where every instance, account and launching group stands, from stacks or from live instances.

A program of its own, ``imds-report``; components import nothing of it. Sources (``stacks``, ``live``) yield the records
of ``posture``, and formats write them. Only sources reach Pulumi's state or AWS.
"""
