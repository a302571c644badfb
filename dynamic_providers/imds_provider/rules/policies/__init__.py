"""The rules of the policy pack: which resources of a stack a security team accepts.

They judge resources as Pulumi's engine shows them to a policy pack, before anything is created (``declared``) and as a
whole stack (``stacks``). ``catalog`` has all policies, with their names and configuration.
"""
