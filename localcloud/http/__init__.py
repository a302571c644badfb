"""The HTTP server: faults, latency and throttling around every AWS call, the call log, and the control endpoint.

Only `localcloud.client` and `localcloud.__main__` may import it.
"""
