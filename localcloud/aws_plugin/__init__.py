"""A stand-in for Pulumi's AWS plugin: `aws.ec2.Instance` on an EC2 endpoint of this machine.

May not import anything else of localcloud, nor be imported by it: the Pulumi engine runs it as a process of its own.
"""
