"""The main job, start to end, on an EC2 of its own: what `make demo` runs."""
