from tests.runner.conftest import client, rig, strict_sandbox

__all__ = ["client", "rig", "strict_sandbox"]
