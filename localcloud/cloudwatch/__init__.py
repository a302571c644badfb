"""CloudWatch's GetMetricData for the metrics that EC2 instances publish.

Reads the instances of `ec2`; may not import `autoscaling`, `faults` or `http`.
"""
