"""An embedded EC2 for the demo, the tests and the benchmarks: moto, with what it gets wrong fixed.

Programs hold a `client.LocalCloud`, set `settings.Settings` and `faults.Fault`, and add `ec2.instances.Seed`.
`python -m localcloud` runs it alone. Folders import only from those below:

    client, __main__   the handle, and the command line
    http               server, control endpoint; faults, latency and throttling around every call
    faults             what goes wrong, as data
    autoscaling        groups and launch configurations
    cloudwatch         GetMetricData, DescribeAlarms
    ec2                actions and instances
    settings, clock
    api                AWS's wire format and wording; the proxy to moto

`aws_plugin` stands apart: it lets Pulumi programs create instances and what launches them, without Pulumi's plugin.
"""
