"""An embedded EC2 for the demo, the tests and the benchmark: moto, with what it gets wrong mended on top.

From the outside in: `client` (the handle that tests hold) and `control` (its endpoint), `server` (HTTP), `pipeline`
(faults, latency and throttle around each call), `describe`, `status`, `metadata`,
`cloudwatch` and `passing` (the actions), `world` (the
instances, in moto's store), `options` and `workload` (one instance's metadata options, and its IMDSv1 calls, over
time). `aws_plugin` lets Pulumi programs
create `aws.ec2.Instance` on it where the real plugin is not installed.
"""
