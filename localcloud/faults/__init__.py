"""Faults as data: which calls a fault affects and what it does to them. `http.pipeline` carries them out.

May not import `http`.
"""

from localcloud.faults.fault import Effect, Fault, FaultPlan

__all__ = ["Effect", "Fault", "FaultPlan"]
