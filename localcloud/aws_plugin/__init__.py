"""A stand-in for Pulumi's AWS plugin: instances and what launches them, on an endpoint of this machine.

May not import anything else of localcloud, nor be imported by it: the Pulumi engine runs it as a process of its own.
"""
