from tests.authority.conftest import desk, live

__all__ = ["desk", "live"]
