"""EC2's actions and the instances behind them: moto's, with their metadata options and IMDSv1 workload over time.

May not import `autoscaling`, `cloudwatch`, `faults` or `http`.
"""
