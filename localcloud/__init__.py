"""An embedded EC2 for the demo, the tests and the benchmark: moto, with what it gets wrong mended on top."""
