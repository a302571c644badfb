"""What runs in Pulumi's dynamic host: the base of the providers, the link to the engine, the state of one run.

A process of the dynamic host is one run. Programs may share a process, so components import nothing from here.
"""
