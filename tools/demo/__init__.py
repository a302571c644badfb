"""The main job from start to end on an embedded EC2: what `make demo` runs."""
