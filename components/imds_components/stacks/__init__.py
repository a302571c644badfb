"""Stack files for the accounts of an AWS organization, from one template: the program ``imds-stacks``.

A program of its own; components import nothing of it. ``template``, ``stack_file`` and ``changes`` are pure, ``folder``
reads and writes files, ``sources`` lists accounts, ``command`` is the command line.
"""
