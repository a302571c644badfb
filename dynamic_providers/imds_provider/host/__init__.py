"""What runs in Pulumi's dynamic host: the base of the providers, the link to the engine, the state of one run.

The process is the run here. A user's program may share its process with others, so components import none of this.
"""
