"""EC2 Auto Scaling's groups and launch configurations: moto's, launching instances as EC2 does.

Uses `ec2`; may not import `cloudwatch`, `faults` or `http`.
"""
